"""Signs in the head of a response."""

from multidict import CIMultiDictProxy

from common.signs import Family, Honoured
from workers.fetch.signs.content_signal import find_content_signal
from workers.fetch.signs.content_usage import find_content_usage
from workers.fetch.signs.robots_tag import find_robots_tag
from workers.fetch.signs.tdm import read_tdm_header


def find_header_sign(
    headers: CIMultiDictProxy[str], honoured: Honoured, location: str | None = None, *, strict: bool = False
) -> str | None:
    """The header and value that forbid, as "x-robots-tag: noai"; None where nothing does.

    Args:
        headers: of the response.
        honoured: signs.
        location: of the site's tdmrep.json, which reserves this address.
        strict: whether the file's reservation stays though a header lifts it.
    """
    return (
        _find_tdm(headers, honoured, location, strict=strict)
        or _find_tag(headers, honoured)
        or _find_usage(headers, honoured)
        or _find_signal(headers, honoured)
    )


def _find_tdm(
    headers: CIMultiDictProxy[str], honoured: Honoured, location: str | None, *, strict: bool
) -> str | None:
    """Within the protocol the header supersedes the file."""
    said = read_tdm_header(headers.getall("tdm-reservation", ()))
    if said and honoured.has(Family.TDM_HEADER):
        return "tdm-reservation: 1"
    is_lifted = said is False and not strict
    return None if location is None or is_lifted else f"tdmrep.json: {location}"


def _find_tag(headers: CIMultiDictProxy[str], honoured: Honoured) -> str | None:
    values = headers.getall("x-robots-tag", ())
    tag = find_robots_tag(values, honoured.words(Family.ROBOTS_TAG)) if values else None
    return tag and f"x-robots-tag: {tag}"


def _find_usage(headers: CIMultiDictProxy[str], honoured: Honoured) -> str | None:
    values = headers.getall("content-usage", ())
    usage = find_content_usage(",".join(values), honoured.words(Family.CONTENT_USAGE)) if values else None
    return usage and f"content-usage: {usage}"


def _find_signal(headers: CIMultiDictProxy[str], honoured: Honoured) -> str | None:
    values = headers.getall("content-signal", ())
    signal = find_content_signal(",".join(values), honoured.words(Family.CONTENT_SIGNAL)) if values else None
    return signal and f"content-signal: {signal}"


def describe_price(headers: CIMultiDictProxy[str]) -> str:
    """The rule of a response with status 402."""
    price = headers.get("crawler-price")
    return "http 402" if price is None else f"http 402: crawler-price {price}"

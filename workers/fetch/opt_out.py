"""Opt-out headers: whether a site forbids the use of its image.

X-Robots-Tag (developers.google.com/search/docs/crawling-indexing/robots-meta-tag), with DeviantArt's
noai and noimageai, and tdm-reservation (W3C TDM Reservation Protocol, final report of 2024).
"""

import re
from collections.abc import Iterator

from multidict import CIMultiDictProxy

AGENT = "caption-fleet"
_RULES = frozenset({"noai", "noimageai", "noindex", "noimageindex", "none"})
_VALUED = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})
_NAME = re.compile(r"[a-z*][\w.*/-]*")


def opt_out_rule(headers: CIMultiDictProxy[str]) -> str | None:
    """The header and value that forbid, as "x-robots-tag: noai"; None where nothing does."""
    for value in headers.getall("X-Robots-Tag", ()):
        for rule in sorted(_RULES.intersection(_directives(value.lower()))):
            return f"x-robots-tag: {rule}"
    if any(_reserves(value) for value in headers.getall("tdm-reservation", ())):
        return "tdm-reservation: 1"
    return None


def _directives(value: str) -> Iterator[str]:
    """The directives of one header for all agents or ours; a user agent's name scopes the rest."""
    ours = True
    for item in re.split("[,;]", value):
        agent, directive = _scope(item)
        if agent is not None:
            ours = agent.partition("/")[0] in {"*", AGENT}
        if ours and directive.partition(":")[0].strip() not in _VALUED:
            yield from directive.replace(":", " ").split()


def _scope(item: str) -> tuple[str | None, str]:
    """The user agent before the first colon, if it is one, and the rest."""
    name, colon, rest = item.partition(":")
    name = name.strip()
    if colon and _NAME.fullmatch(name) and name not in _RULES | _VALUED:
        return name, rest
    return None, item


def _reserves(value: str) -> bool:
    return "1" in {item.strip(" \t\"'") for item in value.split(",")}

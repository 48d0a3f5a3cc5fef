"""The canonical forms of many addresses at once."""

import pyarrow as pa
import pyarrow.compute as pc

from common.url import canonical_url

CANONICAL = r"^https?://(?P<url>(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*/[A-Za-z0-9\-._~!$&()*+,;=:@/?]*)$"
"""Addresses that are in their canonical form but for the scheme; four in five of the web's are."""
NOT_YET = r"/\.|xn--"
"""Dot segments and Punycode are the parser's to judge."""


def canonical_urls(urls: pa.Array) -> pa.Array:
    """[rows] string: `common.url.canonical_url` of each; null for what is no address of the web."""
    short = pc.struct_field(pc.extract_regex(urls, pattern=CANONICAL), "url")
    short = pc.if_else(pc.match_substring_regex(urls, NOT_YET), pa.scalar(None, pa.string()), short)
    rest = pc.and_(pc.is_null(short), pc.is_valid(urls))
    slow = [_canonical(url) for url in urls.filter(rest).to_pylist()]
    return pc.replace_with_mask(short, rest, pa.array(slow, pa.string())) if slow else short


def _canonical(url: str) -> str | None:
    try:
        return canonical_url(url)
    except ValueError:
        return None

"""The canonical forms of many addresses at once."""

import pyarrow as pa
import pyarrow.compute as pc

from common.url import canonical_url

PLAIN = r"^https?://(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*/[A-Za-z0-9\-._~!$&()*+,;=:@/?]*$"
"""Addresses that are in their canonical form but for the scheme; four in five of the web's are."""
NOT_YET = r"/\.|xn--"
"""Dot segments and Punycode are the parser's to judge."""
HTTP, HTTPS = len("http://"), len("https://")


def canonical_urls(urls: pa.Array) -> pa.Array:
    """[rows] string: `common.url.canonical_url` of each; null where it is no address of the web."""
    plain = pc.and_not(pc.match_substring_regex(urls, PLAIN), pc.match_substring_regex(urls, NOT_YET))
    is_https = pc.starts_with(urls, "https://")
    bare = pc.if_else(is_https, pc.utf8_slice_codeunits(urls, HTTPS), pc.utf8_slice_codeunits(urls, HTTP))
    rest = pc.and_(pc.invert(plain), pc.is_valid(urls))
    slow = [_canonical(url) for url in urls.filter(rest).to_pylist()]
    return pc.replace_with_mask(bare, rest, pa.array(slow, pa.string())) if slow else bare


def _canonical(url: str) -> str | None:
    try:
        return canonical_url(url)
    except ValueError:
        return None

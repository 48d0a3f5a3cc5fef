"""Paths and queries as lists hold them: what is written must be asked for."""

import string

SIGNED = (
    "/sig/http%3A%2F%2Fexample.org%2Fa.jpg", "/a.jpg?u=https%3A%2F%2Fexample.org%2Fb&s=1", "/a%28b%29.jpg",
    "/a(b).jpg", "/it%27s.jpg", "/it's.jpg", "/a%2fb.jpg", "/a%2Fb.jpg", "/a.jpg?sig=Zm9v%2FYmFy%2B%3D",
    "/a.jpg?sig=Zm9v/YmFy+=", "/a.jpg?q=a%20b", "/a.jpg?q=a+b", "/a.jpg?", "/?", "/a.jpg?&", "/a.jpg?=",
    "/a.jpg?a&b=&=c&&d", "/a.jpg;v=1?w=2;h=3", "/%7Euser/a.jpg", "/~user/a.jpg", "/%41.jpg", "/%e4.jpg",
    "/%E4%b8%AD.jpg", "/100%.jpg", "/%zz.jpg", "/%.jpg", "/a%00b", "/a//b.jpg", "//a.jpg", "/a/./b.jpg",
    "/a/../b.jpg", "/a/%2e%2e/b.jpg", "/a/.%2E/b.jpg", "/..", "/a/..", "/.hidden/a", "/@a/b@c.jpg",
    "/a:b.jpg", "/a,b!c$d&e*f.jpg", "/a|b.jpg", "/a^b`c.jpg", "/{a}/[b].jpg", "/a.jpg?x={y}&z=[1]|2^3`4",
    "/a.jpg?X-Amz-Signature=0f%2F&X-Amz-Credential=AK%2F20260101%2Fus-east-1%2Fs3%2Faws4_request",
    "/a.jpg?a=%26&b=%3D", "/a.jpg?u=http://example.org/?a=b", "/http://example.org/a.jpg",
    "/a.jpg?a=1#fragment", "/a.jpg#f?not=a%20query", "/#",
    "/image/fetch/w_200,f_auto/https%3A%2F%2Fexample.org%2Fa%2520b.jpg", "/a%2520b.jpg", "/a.jpg?%2525",
)  # fmt: skip

ENCODED_FOR = (
    # what may not stand in a request: encoded, and nothing else
    "/a b.jpg", "/a.jpg?q=a b", "/caf\u00e9.jpg", "/\u4e2d\u6587.jpg", "/a.jpg?q=M\u00fcller",
    "/\U0001f600.jpg?\U0001f600", "/a<b>.jpg", '/a"b".jpg?c="d"', "/a.jpg?q=<b>", "/a.jpg?q='a'",
    "/e\u0301.jpg", "/\u00e9.jpg", "/a\u00a0b", "/a\u3000", "/\u202e.jpg", "/\u0661.jpg", "/\x01\x1f\x7f.jpg",
    "/a\\b\\c.jpg", "/a\\..\\b.jpg", "/a.jpg?a\\b", "/\u2215.jpg", "/\ufeff",
)  # fmt: skip

EACH = tuple(
    pattern.format(text)
    for character in map(chr, range(0x21, 0x7F))
    if character not in "#?\\"
    for text in (character, f"%{ord(character):02X}", f"%{ord(character):02x}")
    for pattern in ("/a{}b", "/a?b{}c")
)
"""Every visible ASCII character, as it is and encoded, in a path and in a query."""

ADDRESSES = (*SIGNED, *ENCODED_FOR, *dict.fromkeys(EACH))

VALID = frozenset(string.ascii_letters + string.digits + "-._~:/?#[]@!$&'()*+,;=%")
"""Characters of RFC 3986."""

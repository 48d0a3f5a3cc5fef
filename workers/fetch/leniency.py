"""Heads that browsers take and aiohttp's parser refuses, mended before it reads them."""

import re

MAX_LINES = 2000
"""Of a head: more are left to the parser's own limit."""

_NAME = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_ODD = re.compile(rb"\n(?!" + _NAME + rb":|[ \t]|\r?\n|\Z)")
"""The beginning of a line that is neither a field, nor the rest of one, nor empty."""

_BLANK_BEFORE_COLON = re.compile(rb"\A(" + _NAME + rb")[ \t]+:")
_FIELD = re.compile(_NAME + rb":|\r?\Z")
_LENGTH = re.compile(rb"(?<=\n)Content-Length:([^\r\n]*)\r?\n", re.IGNORECASE)
_LENGTH_NAME = b"content-length"
_REPEATED = re.compile(rb"[ \t]*(\d+)[ \t]*(?:,[ \t]*\1[ \t]*)*")


def is_plain(head: bytes) -> bool:
    """Whether the head holds fields alone, and at most one length."""
    return _ODD.search(head) is None and head.lower().count(_LENGTH_NAME) < 2  # noqa: PLR2004 - one


def mend_head(head: bytes) -> bytes:
    """The head without lines that are no fields, blanks before colons, and repetitions of the same length.

    A length that contradicts another stays, for the parser to refuse (RFC 9110, 8.6); so do too many lines.
    """
    if head.count(b"\n") > MAX_LINES:
        return head
    return _merge_lengths(head if is_plain(head) else _drop_lines(head))


def _drop_lines(head: bytes) -> bytes:
    status, *lines = head.split(b"\n")
    kept, follows_field = [status], False
    for line in lines:
        field = _BLANK_BEFORE_COLON.sub(rb"\1:", line, count=1) if line[:1].strip() else line
        follows_field = bool(_FIELD.match(field)) or (follows_field and not line[:1].strip())
        if follows_field:
            kept.append(field)
    return b"\n".join(kept)


def _merge_lengths(head: bytes) -> bytes:
    values = b",".join(_LENGTH.findall(head))
    same = _REPEATED.fullmatch(values)
    if same is None or values.strip().isdigit():
        return head
    first, *others = _LENGTH.split(head)[::2]
    return b"".join([first, b"Content-Length: ", same[1], b"\r\n", *others])

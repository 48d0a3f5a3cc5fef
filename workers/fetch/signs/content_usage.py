"""Content-Usage of IETF AIPREF (draft-ietf-aipref-attach-05, draft-ietf-aipref-vocab-08)."""

from functools import lru_cache
from typing import Any

from http_sf import StructuredFieldError, Token, parse

MAX_BYTES = 8192
"""Of a field; longer ones are nobody's."""


@lru_cache(maxsize=4096)
def find_content_usage(field: str, honoured: frozenset[str]) -> str | None:
    """The first honoured category that a field disallows, as `train-ai=n`.

    Args:
        field: a dictionary (RFC 9651); the values of several header lines joined by commas.
        honoured: categories.
    """
    if len(field) > MAX_BYTES or not field.isascii():
        return None
    try:
        members: Any = parse(field.encode(), tltype="dictionary")
    except (StructuredFieldError, ValueError, IndexError):  # ignored as a whole (RFC 9651)
        return None
    disallowed = (name for name, (value, _) in members.items() if isinstance(value, Token) and value == "n")
    return next((f"{name}=n" for name in disallowed if name in honoured), None)

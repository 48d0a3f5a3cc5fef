"""Untrusted text in Markdown: one function for each context."""

import json
import re

LONGEST = 200
CODE = re.compile(r"[\w ./@:+\-\"'\[\]{},=%#()]*")
"""Text that needs no escape between backticks inside a table."""
MARKUP = re.compile(r"[^\w\s.,:;/@%-]|_")
AUTOLINK = re.compile(r"(?i)\b(https?|ftp|mailto|xmpp)(:)|\b(www)(\.)")


def printable(text: str) -> str:
    """On one line, without control characters, at most 200 characters."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split()))
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}…"


def to_text(text: str) -> str:
    """For a paragraph, a heading or a table's cell: no markup, and no link."""
    escaped = MARKUP.sub(_reference, printable(text))
    return AUTOLINK.sub(lambda found: found[0][:-1] + _reference_to(found[0][-1]), escaped)


def to_code(text: str) -> str:
    """For a table's cell, as code."""
    shown = printable(text)
    if CODE.fullmatch(shown) and shown:
        return f"`{shown}`"
    return f"<code>{to_text(text)}</code>"


def to_yaml(text: str) -> str:
    """For the header: a quoted scalar."""
    return json.dumps(printable(text))


def _reference(found: re.Match[str]) -> str:
    return _reference_to(found[0])


def _reference_to(character: str) -> str:
    return f"&#{ord(character)};"

"""Content-Signal (contentsignals.org): a policy in robots.txt, and in a header of the same syntax."""

import re

_SHORT_OF_FULL = frozenset({"immediate", "reference"})
"""Levels of `use` that do not cover a caption, which summarizes."""


def find_content_signal(field: str, honoured: frozenset[str]) -> str | None:
    """The first honoured signal that refuses, as `ai-train=no` or `use=reference`."""
    for item in re.split("[,;]", field.lower()):
        name, _, value = (piece.strip() for piece in item.partition("="))
        if name in honoured and _refuses(name, value):
            return f"{name}={value}"
    return None


def _refuses(name: str, value: str) -> bool:
    return value in _SHORT_OF_FULL if name == "use" else value == "no"

"""Captions of both authors in one spelling, so that spelling does not give the author away.

The original lower-cased its human captions and removed the final full stop, because its machine writes like
that. Machines also put spaces around punctuation, and people use typographic quotes and capitals: all of it
goes, on both sides, by the same function.
"""

import re
import unicodedata

LONGEST = 300
"""Characters; a longer caption is no caption, and not drawn."""

_PLAIN = str.maketrans(
    {"‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "…": "..."}  # noqa: RUF001
)
_NO_TEXT = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_RULES = (
    (re.compile(r"(?<=\d)\s*[–—]\s*(?=\d)"), "-"),  # noqa: RUF001 - a range
    (re.compile(r"\s*[–—]\s*"), " , "),  # noqa: RUF001 - a pause, as a comma is
    (re.compile(r"\s+|\""), " "),
    (re.compile(r" +(?=[,.;:!?%)\]])"), ""),
    (re.compile(r"(?<=[(\[]) +"), ""),
    (re.compile(r"(?<=\w) *([/-]+) *(?=\w)"), r"\1"),
    (re.compile(r"(?<=\w) *' *(?=(?:s|t|d|m|re|ve|ll)\b)"), "'"),
    (re.compile(r" {2,}"), " "),
    (re.compile(r"^[\s'.,;:!?-]+|[\s'.,;:!?-]+$"), ""),
)


def alike(caption: str) -> str:
    """The caption in lower case, plain punctuation without stray spaces or quotation marks, no full stop.

    Control characters and marks of direction are dropped. Doing it twice changes nothing more.
    """
    text = "".join(c for c in " ".join(caption.split()) if unicodedata.category(c) not in _NO_TEXT)
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower()).translate(_PLAIN)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text

"""Captions as words: how many, how varied, how alike."""

import re
from collections import Counter
from collections.abc import Sequence

from dataset.score.estimate import Estimate, estimate_mean, estimate_share

WORD = re.compile(r"\w+(?:['’]\w+)?")  # noqa: RUF001 - people write it
ARTICLES = frozenset({"a", "an", "the"})
BLOCK = 1_000
"""Captions; distinct words grow with their number, so that they are counted by so many."""
STEPS = 20
"""Points of the growth curve."""


def split_words(caption: str) -> list[str]:
    """Words in lower case, without punctuation."""
    return WORD.findall(caption.lower())


def trigrams(words: Sequence[str]) -> set[tuple[str, ...]]:
    return set(zip(words, words[1:], words[2:], strict=False))


def count_types(captions: Sequence[Sequence[str]]) -> tuple[int, int]:
    """Distinct words and distinct trigrams."""
    words = {word for caption in captions for word in caption}
    return len(words), len({gram for caption in captions for gram in trigrams(caption)})


def types_per_block(captions: Sequence[Sequence[str]]) -> tuple[Estimate, Estimate] | None:
    """Distinct words and trigrams of `BLOCK` captions; None where there are fewer."""
    blocks = [captions[first : first + BLOCK] for first in range(0, len(captions) - BLOCK + 1, BLOCK)]
    if not blocks:
        return None
    words, grams = zip(*map(count_types, blocks), strict=True)
    return estimate_mean(words), estimate_mean(grams)


def growth(captions: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    """Captions read and distinct words met, at some points on the way (type-token growth)."""
    points, seen = {round(len(captions) * step / STEPS) for step in range(1, STEPS + 1)}, set[str]()
    found = []
    for number, caption in enumerate(captions, 1):
        seen.update(caption)
        if number in points:
            found.append((number, len(seen)))
    return found


def near_identical(captions: Sequence[Sequence[str]]) -> Estimate:
    """The share of captions that another one repeats, articles and the order of words aside."""
    keys = [tuple(sorted(word for word in caption if word not in ARTICLES)) for caption in captions]
    counts = Counter(keys)
    return estimate_share([counts[key] > 1 for key in keys])

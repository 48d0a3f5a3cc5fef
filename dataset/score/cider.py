"""CIDEr-D: consensus of a caption with human captions (Vedantam, Zitnick and Parikh, 2015)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import exp, log, sqrt
from statistics import fmean

LONGEST = 4
"""Words of an n-gram."""
SIGMA = 6.0
"""Words: of the Gaussian penalty on differences in length."""
SCALE = 10.0

Words = Sequence[str]
Gram = tuple[str, ...]


def cider(candidates: Sequence[Words], references: Sequence[Sequence[Words]]) -> list[float]:
    """The score of each candidate, 0 to 10, by n-grams weighted by how rare they are among the images.

    Args:
        candidates: one for each image.
        references: of each image, at least one.
    """
    seen = Counter(gram for theirs in references for gram in {g for one in theirs for g in _grams(one)})
    rarity = {gram: log(len(references)) - log(count) for gram, count in seen.items()}
    unseen = log(len(references))
    return [
        fmean(_score(candidate, one, rarity, unseen) for one in theirs)
        for candidate, theirs in zip(candidates, references, strict=True)
    ]


def _grams(words: Words) -> Counter[Gram]:
    return Counter(
        tuple(words[first : first + size])
        for size in range(1, LONGEST + 1)
        for first in range(len(words) - size + 1)
    )


def _score(candidate: Words, reference: Words, rarity: Mapping[Gram, float], unseen: float) -> float:
    mine, theirs = (_weigh(_grams(words), rarity, unseen) for words in (candidate, reference))
    penalty = exp(-((len(candidate) - len(reference)) ** 2) / (2 * SIGMA**2))
    return SCALE * fmean(penalty * _cosine(mine, theirs, size) for size in range(1, LONGEST + 1))


def _weigh(counts: Counter[Gram], rarity: Mapping[Gram, float], unseen: float) -> dict[Gram, float]:
    return {gram: count * rarity.get(gram, unseen) for gram, count in counts.items()}


def _cosine(mine: Mapping[Gram, float], theirs: Mapping[Gram, float], size: int) -> float:
    """Of n-grams of one size; repetitions beyond the reference are clipped."""
    mine, theirs = ({g: w for g, w in one.items() if len(g) == size} for one in (mine, theirs))
    product = sum(min(weight, theirs.get(gram, 0.0)) * theirs.get(gram, 0.0) for gram, weight in mine.items())
    norms = sqrt(sum(w * w for w in mine.values())) * sqrt(sum(w * w for w in theirs.values()))
    return product / norms if norms else 0.0

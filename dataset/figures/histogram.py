"""Histograms as lines of text, the same on the terminal and in the card."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from dataset.figures.tally import Tally

WIDTH = 40
CHARACTERS_STEP = 10
LONGEST = 200
"""Characters; longer captions share one bin."""
SIMILARITY_STEP = 2
"""Hundredths."""


@dataclass(frozen=True)
class Histogram:
    """A title, and a label and a count for every bin from the first to the last that has rows."""

    title: str
    bins: tuple[tuple[str, int], ...]

    def lines(self) -> Iterator[str]:
        """One aligned line a bin; the longest bar is `WIDTH` wide."""
        most = max((count for _, count in self.bins), default=0)
        label_width = max((len(label) for label, _ in self.bins), default=0)
        count_width = len(f"{most:,}")
        for label, count in self.bins:
            bar = "█" * round(WIDTH * count / most)
            yield f"{label:>{label_width}}  {count:>{count_width},}  {bar}".rstrip()


def histograms(tally: Tally) -> tuple[Histogram, ...]:
    return (
        Histogram("ViT-L/14 similarity of the best caption", _similarity(tally.similarity)),
        Histogram("Characters in the top caption", _characters(tally.characters)),
        Histogram("Distinct captions per image", _fill_bins(tally.candidates, 1, str)),
    )


def _similarity(bins: Mapping[int, int]) -> tuple[tuple[str, int], ...]:
    return _fill_bins(bins, SIMILARITY_STEP, lambda hundredths: f"{hundredths / 100:.2f}")


def _characters(bins: Mapping[int, int]) -> tuple[tuple[str, int], ...]:
    capped = Counter[int]()
    for length, count in bins.items():
        capped[min(length, LONGEST)] += count
    return _fill_bins(
        capped,
        CHARACTERS_STEP,
        lambda low: f"{low} or more" if low == LONGEST else f"{low} to {low + CHARACTERS_STEP - 1}",
    )


def _fill_bins(
    bins: Mapping[int, int], step: int, label: Callable[[int], str]
) -> tuple[tuple[str, int], ...]:
    grouped = Counter[int]()
    for low, count in bins.items():
        grouped[low // step] += count
    if not grouped:
        return ()
    return tuple((label(number * step), grouped[number]) for number in range(min(grouped), max(grouped) + 1))

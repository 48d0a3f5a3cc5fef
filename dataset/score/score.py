"""All figures of one sample."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path

from common.errors import FleetError
from dataset.rows.row_source import Row, RowSource
from dataset.rows.sample import draw
from dataset.score.estimate import Estimate, estimate_mean
from dataset.score.judges import best_of, rank_agreement, same_winner, top_similarities
from dataset.score.references import Compared, compare
from dataset.score.words import BLOCK, growth, near_identical, split_words, types_per_block


@dataclass(frozen=True, slots=True)
class Figure:
    """A line of the report."""

    name: str
    label: str
    estimate: Estimate
    is_share: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """Measurements of the captions of one run or data set."""

    place: str
    sampled: int
    """Captioned rows of the sample."""
    total: int
    """Rows that could have been drawn."""
    seed: int
    figures: tuple[Figure, ...]
    growth: tuple[tuple[int, int], ...]
    """Captions read, and distinct words met."""
    best_of: tuple[tuple[int, float], ...]
    """Candidates, and the mean similarity of the best of them."""
    references: Compared | None

    def to_json(self) -> str:
        figures = {one.name: asdict(one.estimate) for one in self.figures}
        return json.dumps({**asdict(self), "figures": figures}, indent=1)

    def text(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        drawn = f"{self.sampled:,} captions of {self.total:,} rows in {self.place}"
        yield f"{drawn}, seed {self.seed}; 95 % intervals"
        for one in self.figures:
            yield f"{one.label}: {format_estimate(one)}"
        if self.references:
            cider = Figure("cider", "", self.references.cider)
            yield f"BLEU against {self.references.images:,} images' captions: {self.references.bleu:.1f}"
            yield f"CIDEr-D, 0 to 10: {format_estimate(cider)}"


def format_estimate(figure: Figure) -> str:
    """A figure with its interval."""
    factor, unit, digits = (100, " %", 1) if figure.is_share else (1, "", 3)
    one = figure.estimate
    value = f"{factor * one.value:,.{digits}f}{unit}"
    if one.low is None or one.high is None:
        return value
    return f"{value} ({factor * one.low:,.{digits}f} to {factor * one.high:,.{digits}f})"


def score(source: RowSource, place: str, wanted: int, seed: int, references: Path | None) -> Score:
    """Draw a sample and measure its captions.

    Args:
        source: of rows.
        place: its name, for people.
        wanted: captioned rows.
        seed: of the draw.
        references: file of human captions, if any.

    Raises:
        FleetError: no row has a caption.
    """
    sample = draw(source, wanted, seed)
    rows = [row for row in sample.rows if row["top_caption"]]
    if not rows:
        raise FleetError(f"{place}: no captions to score")
    words = [split_words(row["top_caption"]) for row in rows]
    return Score(
        place=place,
        sampled=len(rows),
        total=sample.total,
        seed=seed,
        figures=tuple(_figures(rows, words)),
        growth=tuple(growth(words)),
        best_of=tuple(best_of(rows)),
        references=compare(rows, references) if references else None,
    )


def _figures(rows: Sequence[Row], words: Sequence[Sequence[str]]) -> Iterator[Figure]:
    yield Figure("words", "words of a caption", estimate_mean([len(one) for one in words]))
    characters = [len(row["top_caption"]) for row in rows]
    yield Figure("characters", "characters of a caption", estimate_mean(characters))
    candidates = [len(row["all_captions"]) for row in rows if row["all_captions"]]
    if candidates:
        yield Figure("candidates", "distinct captions of an image", estimate_mean(candidates))
    blocks = types_per_block(words)
    if blocks:
        yield Figure("word_types", f"distinct words in {BLOCK:,} captions", blocks[0])
        yield Figure("trigram_types", f"distinct trigrams in {BLOCK:,} captions", blocks[1])
    yield Figure(
        "near_identical", "captions that another repeats, near enough", near_identical(words), is_share=True
    )
    yield from _judges_figures(rows)


def _judges_figures(rows: Sequence[Row]) -> Iterator[Figure]:
    tops = top_similarities(rows)
    if tops:
        yield Figure("top_similarity", "ranker's similarity of the top caption", estimate_mean(tops))
    originals = [one for row in rows if (one := row["similarity"]) is not None and isfinite(one)]
    if originals:
        yield Figure(
            "original_similarity", "the input's similarity of the original caption", estimate_mean(originals)
        )
    winner = same_winner(rows)
    if winner:
        yield Figure("same_winner", "top captions that are the ranker's best too", winner, is_share=True)
    tau = rank_agreement(rows)
    if tau:
        yield Figure("rank_agreement", "agreement of ranker and selector over the shortlist, tau", tau)

"""Histograms that can be added up: of one file, of all of them."""

from collections import Counter
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

SIMILARITY_STEP = 0.01
COLUMNS = ("top_caption", "all_captions", "all_similarities")


class Tally(BaseModel):
    """Good rows by bin; a bin without rows is absent."""

    model_config = ConfigDict(extra="forbid")

    similarity: dict[int, int] = Field(default_factory=dict)
    """Of the best caption, ViT-L/14 cosine; bin b is b/100 up to (b+1)/100."""
    characters: dict[int, int] = Field(default_factory=dict)
    """In the top caption."""
    candidates: dict[int, int] = Field(default_factory=dict)
    """Distinct captions of an image."""

    def add(self, rows: pa.Table) -> None:
        """Count good rows that have `COLUMNS`."""
        best = best_similarity(rows["all_similarities"])
        best = best.filter(pc.fill_null(pc.is_finite(best), fill_value=False))
        _count(self.similarity, pc.floor(pc.divide(best, SIMILARITY_STEP)).cast(pa.int64()))
        _count(self.characters, pc.utf8_length(rows["top_caption"]))
        _count(self.candidates, pc.list_value_length(rows["all_captions"]))

    def subtract(self, other: "Tally") -> None:
        """Take out rows that were counted."""
        for name, bins in other.model_dump().items():
            setattr(self, name, dict(Counter(getattr(self, name)) - Counter(bins)))

    def to_json(self) -> bytes:
        """The same bytes for the same rows, in any order."""
        ordered = {name: dict(sorted(bins.items())) for name, bins in self.model_dump().items()}
        return Tally(**ordered).model_dump_json().encode()


def sum_tallies(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        for name, bins in tally.model_dump().items():
            setattr(total, name, dict(Counter(getattr(total, name)) + Counter(bins)))
    return total


def best_similarity(similarities: pa.ChunkedArray) -> pa.ChunkedArray:
    """[rows] double: the first of each list, the best; null where there is none."""
    present = pc.greater(pc.list_value_length(similarities), 0)
    padded = pc.list_slice(similarities, 0, 1, return_fixed_size_list=True)
    return pc.if_else(present, pc.list_element(padded, 0), None)


def _count(bins: dict[int, int], values: pa.ChunkedArray) -> None:
    for group in pc.value_counts(values.drop_null()).to_pylist():
        bins[group["values"]] = bins.get(group["values"], 0) + group["counts"]

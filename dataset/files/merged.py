"""`merge.json`: the files of a data set and their provenance."""

import json
from datetime import date
from typing import Any, Literal

from pydantic import model_validator

from common.run.batch import Batch
from common.run.manifest import Models
from common.run.record import Record
from common.settings import SamplingSettings
from dataset.figures.counts import Counts
from dataset.files.keys import data_key
from dataset.files.recipe import Recipe


class MergedPart(Record):
    """The shards of a part that were merged."""

    rows: tuple[tuple[int, int], ...]
    """Row ranges, first to end, that they cover."""
    digest: str
    """Of their names, rows and sizes."""

    def holds(self, batch: Batch) -> bool:
        return any(first <= batch.first_row < end for first, end in self.rows)


class DataFile(Record):
    """One parquet file of a version."""

    key: str
    rows: int
    origin: str | None = None
    """The origin in its footer (`file_origin`); None in data sets of 0.1."""


class Withdrawal(Record):
    """Rows that were taken back; their content is recorded nowhere."""

    on: date
    rows: int


class Merged(Record):
    """`merge.json`: the files of the current version and their provenance."""

    format: Literal[1, 2] = 2
    version: int = 1
    """Counts the changes of the data set: withdrawals, and runs that were added."""
    recipe: Recipe
    models: Models
    dtypes: dict[str, tuple[str, ...]]
    """Number formats that each model ran in, by role."""
    worker_versions: tuple[str, ...] = ()
    """Of the workers that wrote the shards."""
    sampling: SamplingSettings
    signs: tuple[str, ...] | None = None
    """Signs that were honoured; None where the run does not say."""
    fetched: tuple[date, date] | None = None
    """First and last day on which a shard was written, in UTC."""
    counts: Counts
    files: tuple[DataFile, ...]
    retired: tuple[str, ...] = ()
    """Files of the version before, to be deleted now that this one stands."""
    withdrawals: tuple[Withdrawal, ...] = ()
    unmatched_entries: int = 0
    """Of the deny list, those that named no row."""
    sources: dict[str, dict[str, MergedPart]] | None = None
    """The merged shards by run and part; None in data sets of 0.1."""

    @model_validator(mode="before")
    @classmethod
    def _files_of_0_1(cls, data: Any) -> Any:
        """Version 0.1 named its files by their number alone."""
        if not isinstance(data, dict) or "file_rows" not in data:
            return data
        rows = data["file_rows"]
        files = [{"key": data_key(number, len(rows)), "rows": n} for number, n in enumerate(rows)]
        return {**{name: value for name, value in data.items() if name != "file_rows"}, "files": files}

    @property
    def keys(self) -> list[str]:
        return [file.key for file in self.files]

    def holds(self, run: str, batch: Batch) -> bool:
        """Whether the shard of a batch was merged."""
        part = (self.sources or {}).get(run, {}).get(batch.part)
        return part is not None and part.holds(batch)

    def to_json(self) -> bytes:
        return (json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True) + "\n").encode()

"""Rows that can be drawn, wherever they lie: in the shards of a run, or in a data set's files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from common.errors import FleetError
from common.settings import S3Settings
from dataset.rows.data_source import DataSource, open_data
from dataset.rows.run_source import Source, open_source
from dataset.rows.shards import shard_rows

COLUMNS = (
    "URL", "TEXT", "top_caption", "all_captions", "all_similarities",
    "shortlist", "shortlist_similarities", "status", "error", "sha256", "similarity", "part", "row",
)  # fmt: skip

Row = dict[str, Any]


class RowSource(Protocol):
    """Rows in pieces that are read apart."""

    @property
    def pieces(self) -> Sequence[int]:
        """Rows of each piece."""
        ...

    def read(self, piece: int, rows: Sequence[int]) -> list[Row]:
        """Rows of a piece by their number in it, in that order, with `COLUMNS`; absent ones are None."""
        ...


@dataclass(frozen=True)
class RunRows:
    """The rows of a run, failed ones too: one piece a shard."""

    source: Source

    @property
    def pieces(self) -> Sequence[int]:
        return [batch.rows for batch in self.source.batches]

    def read(self, piece: int, rows: Sequence[int]) -> list[Row]:
        batch = self.source.batches[piece]
        table = pa.Table.from_batches(shard_rows(self.source.store, self.source.run, batch, COLUMNS))
        found: list[Row] = table.take(pa.array(rows, pa.int64())).to_pylist()
        return found


@dataclass(frozen=True)
class DataRows:
    """The rows of a data set, all of them good: one piece a row group."""

    source: DataSource

    @property
    def pieces(self) -> Sequence[int]:
        return [group.rows for group in self.source.groups]

    def read(self, piece: int, rows: Sequence[int]) -> list[Row]:
        table = self.source.read(piece, COLUMNS).take(pa.array(rows, pa.int64()))
        bare: Row = dict.fromkeys(COLUMNS)
        return [{**bare, **row, "status": "ok", "error": None} for row in table.to_pylist()]


def open_rows(run: str | None, data: str | None, s3: S3Settings) -> RowSource:
    """The rows of a run, or of a data set; exactly one of both is given.

    Raises:
        FleetError: both are given, or there is neither.
        BadRunError: the run holds a shard that is of none of its parts.
    """
    if data is not None and run is not None:
        raise FleetError("give --run or --data, not both")
    if data is not None:
        return DataRows(open_data(data, s3))
    if run is None:
        raise FleetError("no run: give --run URI or set FLEET_OUTPUT, or give --data URI")
    return RunRows(open_source(run, s3))

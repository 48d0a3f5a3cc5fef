"""A file of a data set without some of its rows: row groups that lose none are copied byte for byte."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.console.progress import Advance
from common.parallel import ordered_map
from common.settings import S3Settings
from common.store import Store
from dataset.figures.tally import Tally
from dataset.files.data_file import TALLY, open_with_bytes
from dataset.files.data_writer import own_metadata, write_row_group
from dataset.files.footer import Footer, RowGroup, read_footer
from dataset.files.merged import DataFile, Merged
from dataset.files.row_group_writer import RowGroupWriter

Keeps = Callable[[pa.RecordBatch, int], pa.Array]
"""Given rows of a file, in the columns asked for, and the position of the first: [rows] bool, which stay."""

Piece = int | Path | None
"""The rows of a row group that stay: all of group n, those in a file of their own, or none."""


@dataclass(frozen=True)
class KeptFile:
    """The rows of an old file that stay."""

    file: DataFile
    store: Store
    old: DataFile
    columns: Sequence[str]
    """Those that `keeps` looks at."""
    keeps: Keeps
    s3: S3Settings

    def write(self, path: Path, merged: Merged, threads: int, advance: Advance) -> None:
        """See `NewFile`; row groups that lose rows are encoded beside `path`."""
        with open_with_bytes(self.store, self.old, self.s3) as (parquet, source):
            old = read_footer(source)
            template = _template(path, merged)
            sieve = _Sieve(self, parquet, path, merged, tally=_read_tally(old))
            sieve.copies = old.is_laid_out_as(template)
            groups = range(parquet.num_row_groups)
            pieces = list(ordered_map(_call, sieve.tasks(groups), threads))
            with path.open("wb") as sink:
                writer = RowGroupWriter(sink, template)
                for piece in pieces:
                    _append(writer, piece, source, old, advance)
                writer.close(template.metadata | own_metadata(self.file, sieve.tally))


@dataclass
class _Sieve:
    """Reads the row groups of a file one after the other, and finds the rows that stay."""

    wanted: KeptFile
    parquet: pq.ParquetFile
    path: Path
    merged: Merged
    tally: Tally
    """Of the rows that stay."""
    copies: bool = True
    """Whether whole row groups can be copied."""

    def tasks(self, groups: Sequence[int]) -> Iterator[Callable[[], Piece]]:
        """For each row group the rest of the work on its piece, for a thread."""
        first = 0
        for number in groups:
            looked_at = self._read(number, self.wanted.columns)
            kept = self.wanted.keeps(looked_at, first)
            first += looked_at.num_rows
            yield self._task(number, kept)

    def _task(self, number: int, kept: pa.Array) -> Callable[[], Piece]:
        if self.copies and pc.all(kept, min_count=0).as_py():
            return lambda: number
        rows = self._read(number)
        lost = Tally()
        lost.add(rows.filter(pc.invert(kept)))
        self.tally.subtract(lost)
        return partial(self._encode, number, pa.Table.from_batches([rows.filter(kept)]))

    def _read(self, number: int, columns: Sequence[str] | None = None) -> pa.RecordBatch:
        rows = self.parquet.read_row_group(number, columns and list(columns))
        rows.validate(full=True)
        return pa.concat_batches(rows.to_batches()) if rows.num_rows else rows.schema.empty_table()

    def _encode(self, number: int, rows: pa.Table) -> Piece:
        if not rows.num_rows:
            return None
        path = self.path.with_suffix(f".{number}")
        write_row_group(path, self.merged, rows)
        return path


def _call(task: Callable[[], Piece]) -> Piece:
    return task()


def _template(path: Path, merged: Merged) -> Footer:
    """The footer of a file without rows, written as those of the version are."""
    empty = path.with_suffix(".empty")
    write_row_group(empty, merged)
    with empty.open("rb") as file:
        footer = read_footer(file)
    empty.unlink()
    return footer


def _read_tally(old: Footer) -> Tally:
    return Tally.model_validate_json(old.metadata[TALLY])


def _append(writer: RowGroupWriter, piece: Piece, source: BinaryIO, old: Footer, advance: Advance) -> None:
    with ExitStack() as stack:
        if isinstance(piece, int):
            group = RowGroup(source, old, piece)
        elif piece is not None:
            file = stack.enter_context(piece.open("rb"))
            group = RowGroup(file, read_footer(file), 0)
            stack.callback(piece.unlink)
        else:
            return
        writer.add(group)
        advance(group.rows)

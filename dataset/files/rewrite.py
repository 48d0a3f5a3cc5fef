"""Writing the files of a version: new ones, and old ones again without some of their rows."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from common.console.progress import progress
from common.settings import S3Settings
from common.store import Store
from dataset.files.data_file import open_data_file, require_files
from dataset.files.data_writer import write_data_file
from dataset.files.merged import DataFile, Merged
from dataset.parallel import ordered_map

WRITERS = 4
"""Files written at once at most; each holds one row group in memory."""
ROWS_AT_ONCE = 16_384

Rows = Callable[[], Iterator[pa.RecordBatch]]
Keeps = Callable[[pa.RecordBatch, int], pa.Array]
"""Given rows of a file and the position of the first: [rows] bool, which of them stay."""


@dataclass(frozen=True)
class NewFile:
    """A file that is to be written, and where its rows come from."""

    file: DataFile
    rows: Rows


def write_files(
    store: Store, merged: Merged, wanted: Sequence[NewFile], folder: Path, s3: S3Settings
) -> None:
    """Write the files that are not there yet, several at once; each appears whole or not at all.

    Args:
        store: of the data set.
        merged: the version that they belong to.
        wanted: the files.
        folder: for unfinished files, on the store's own disk where that is a folder.
        s3: where S3 is.

    Raises:
        PartError: a file is there, but is not what it should be.
    """

    def write(new: NewFile) -> None:
        if store.exists(new.file.key):
            require_files(store, [new.file], s3)
            advance(new.file.rows)
            return
        path = folder / Path(new.file.key).name
        write_data_file(path, new.file, merged, new.rows(), advance)
        store.create_file(new.file.key, path)
        path.unlink()

    threads = max(1, min(WRITERS, len(wanted), os.cpu_count() or 1))
    with progress("writing rows", sum(new.file.rows for new in wanted)) as advance:
        for _ in ordered_map(write, wanted, threads):
            pass


def kept_rows(store: Store, file: DataFile, keeps: Keeps, s3: S3Settings) -> Iterator[pa.RecordBatch]:
    """The rows of a file that stay, in order."""
    with open_data_file(store, file, s3) as parquet:
        first = 0
        for rows in batches(parquet):
            yield rows.filter(keeps(rows, first))
            first += rows.num_rows


def batches(parquet: pq.ParquetFile, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Rows of a file, a bounded number at a time."""
    wanted = None if columns is None else list(columns)
    for rows in parquet.iter_batches(ROWS_AT_ONCE, columns=wanted):
        rows.validate(full=True)
        yield rows

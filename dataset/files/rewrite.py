"""Writing the files of a version: new ones, and old ones again without some of their rows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from common.console.progress import Advance, progress
from common.parallel import MOST, ordered_map, threads_for
from common.settings import S3Settings
from common.store import Store
from dataset.files.data_file import require_files
from dataset.files.data_writer import write_data_file
from dataset.files.merged import DataFile, Merged

ROWS_AT_ONCE = 16_384

Rows = Callable[[], Iterator[pa.RecordBatch]]


class NewFile(Protocol):
    """A file that is to be written."""

    @property
    def file(self) -> DataFile:
        """Its entry in the record of the version."""
        ...

    def write(self, path: Path, merged: Merged, threads: int, advance: Advance) -> None:
        """Write it to `path`; `advance` is told how many rows were written."""
        ...


@dataclass(frozen=True)
class FreshFile:
    """A file of rows that come from elsewhere."""

    file: DataFile
    rows: Rows

    def write(self, path: Path, merged: Merged, threads: int, advance: Advance) -> None:  # noqa: ARG002 - one
        """See `NewFile`."""
        write_data_file(path, self.file, merged, self.rows(), advance)


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
        new.write(path, merged, MOST // files, advance)
        store.create_file(new.file.key, path)
        path.unlink()

    files = threads_for(len(wanted))
    with progress("writing rows", sum(new.file.rows for new in wanted)) as advance:
        for _ in ordered_map(write, wanted, files):
            pass


def batches(parquet: pq.ParquetFile, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Rows of a file, a bounded number at a time."""
    wanted = None if columns is None else list(columns)
    for rows in parquet.iter_batches(ROWS_AT_ONCE, columns=wanted):
        rows.validate(full=True)
        yield rows

"""The footer of one file of a data set: its origin, its rows and its histograms."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from common.parallel import ordered_map
from common.parquet.thrift import MalformedError
from common.run.part import PartError, open_part
from common.settings import S3Settings
from common.store import Store
from dataset.figures.tally import Tally, sum_tallies
from dataset.files.merged import DataFile

TALLY = b"fleet.tally"
ORIGIN = b"fleet.origin"
THREADS = 8
REPAIR = "delete it and run the same command again"


@contextmanager
def open_data_file(store: Store, file: DataFile, s3: S3Settings) -> Iterator[pq.ParquetFile]:
    """The file, if it is as recorded in `merge.json`.

    Raises:
        PartError: it is foreign, damaged or gone; also for failures of reading inside the block.
    """
    with open_with_bytes(store, file, s3) as (parquet, _):
        yield parquet


@contextmanager
def open_with_bytes(
    store: Store, file: DataFile, s3: S3Settings
) -> Iterator[tuple[pq.ParquetFile, BinaryIO]]:
    """The file, and its bytes for copying: they share one position, so read from one at a time.

    Raises:
        PartError: as `open_data_file`.
    """
    address = f"{store.uri}/{file.key}"
    with open_part(address, s3) as (source, _):
        try:
            parquet = pq.ParquetFile(source, pre_buffer=False)
            if not _is_own(parquet.metadata, file):
                raise PartError(f"{address}: a file of something else; {REPAIR}")
            yield parquet, source
        except (pa.ArrowException, ValidationError, MalformedError) as error:
            raise PartError(f"{address}: damaged; {REPAIR}") from error


def _is_own(metadata: pq.FileMetaData, file: DataFile) -> bool:
    said = metadata.metadata or {}
    origin = said.get(ORIGIN, b"").decode("ascii", "replace") or None
    return TALLY in said and origin == file.origin and metadata.num_rows == file.rows


def require_files(store: Store, files: Sequence[DataFile], s3: S3Settings) -> None:
    """Raise `PartError` unless every file is there, as recorded in `merge.json`."""
    read_tally(store, files, s3)


def read_tally(store: Store, files: Sequence[DataFile], s3: S3Settings) -> Tally:
    """The histograms of merged files, from their footers alone.

    Raises:
        PartError: a file is not what `merge.json` says.
    """
    return sum_tallies(ordered_map(lambda file: _file_tally(store, file, s3), files, THREADS))


def _file_tally(store: Store, file: DataFile, s3: S3Settings) -> Tally:
    with open_data_file(store, file, s3) as parquet:
        return Tally.model_validate_json(parquet.metadata.metadata[TALLY])

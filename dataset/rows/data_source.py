"""A data set's files for reading: in a folder, on S3, or on the Hub."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from common.errors import FleetError
from common.parallel import ordered_map
from common.run.hub import find_on_hub
from common.run.part import PartError, open_part
from common.settings import S3Settings
from common.store import absolute_uri, open_store
from dataset.files.folder import read_merged, require_written
from dataset.files.keys import DATA
from dataset.files.merged import Merged

THREADS = 8
HUB = "hf://"
WANTED = ("URL", "top_caption")
"""Columns without which it is not a data set of captions."""


@dataclass(frozen=True, slots=True)
class Group:
    """A row group of a file."""

    address: str
    number: int
    rows: int


@dataclass(frozen=True)
class DataSource:
    """The row groups of a data set, in order."""

    uri: str
    groups: tuple[Group, ...]
    columns: frozenset[str]
    s3: S3Settings
    merged: Merged | None = None
    """The record of a data set in a folder or on S3; None on the Hub, where it is not published."""

    @property
    def rows(self) -> int:
        return sum(group.rows for group in self.groups)

    def read(self, group: int, columns: Sequence[str]) -> pa.Table:
        """A row group's columns, those of `columns` that there are.

        Raises:
            PartError: the file is damaged, or gone.
        """
        one = self.groups[group]
        with open_parquet_file(one.address, self.s3) as file:
            table = file.read_row_group(one.number, [name for name in columns if name in self.columns])
            table.validate(full=True)
        return table


def open_data(uri: str, s3: S3Settings) -> DataSource:
    """The data set at `uri`: a folder, `s3://bucket/prefix` or `hf://datasets/owner/name`.

    Raises:
        FleetError: there is none, its files differ in their columns, or one is damaged.
    """
    merged, addresses = _addresses(uri, s3)
    if not addresses:
        raise FleetError(f"{uri}: no data set here (no parquet files); check the address")
    footers = list(ordered_map(lambda address: _footer(address, s3), addresses, THREADS))
    columns = frozenset.intersection(*(names for names, _ in footers))
    lacking = next((name for name in WANTED if name not in columns), None)
    if lacking:
        raise FleetError(f"{uri}: no data set of captions (no column {lacking})")
    groups = tuple(group for _, some in footers for group in some)
    return DataSource(uri, groups, columns, s3, merged)


def _addresses(uri: str, s3: S3Settings) -> tuple[Merged | None, list[str]]:
    if uri.startswith(HUB):
        root, files = find_on_hub(uri.rstrip("/"))
        found = sorted(file for file in files if file.endswith(".parquet"))
        return None, [file for file in found if file.startswith(f"{root}/{DATA}/")] or found
    store = open_store(absolute_uri(uri), s3)
    if read_merged(store) is not None:
        merged = require_written(store)
        return merged, [f"{store.uri}/{key}" for key in merged.keys]
    keys = sorted(entry.key for entry in store.list(DATA) if entry.key.endswith(".parquet"))
    return None, [f"{store.uri}/{key}" for key in keys]


def _footer(address: str, s3: S3Settings) -> tuple[frozenset[str], list[Group]]:
    with open_parquet_file(address, s3) as file:
        metadata = file.metadata
        groups = [Group(address, n, metadata.row_group(n).num_rows) for n in range(metadata.num_row_groups)]
        return frozenset(file.schema_arrow.names), groups


@contextmanager
def open_parquet_file(address: str, s3: S3Settings) -> Iterator[pq.ParquetFile]:
    """Any parquet file; failures in the block are the file's.

    Raises:
        PartError: it is damaged, or gone.
    """
    with open_part(address, s3) as (source, _):
        try:
            yield pq.ParquetFile(source, pre_buffer=False)
        except pa.ArrowException as error:
            raise PartError(f"{address}: damaged ({error}); fetch it again") from error

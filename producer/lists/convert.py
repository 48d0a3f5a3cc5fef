"""The conversion of a list into a part file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import structlog
from pydantic import TypeAdapter

from common.run.fingerprint import Fingerprint
from common.run.layout import INPUT
from common.run.part import PartError, open_part
from common.run.planned_part import part_id
from common.run.schema import FROM_INPUT
from common.settings import S3Settings
from producer.copies import MARK, write_copy
from producer.lists.by_line import read_jsonl, read_text
from producer.lists.delimited import read_delimited
from producer.lists.errors import BadLines, EmptyListError, ListError
from producer.lists.kinds import Kind, Layout
from producer.lists.stream import require_text
from producer.useless import UselessPartError

Reader = Callable[[BinaryIO, Kind, BadLines], Iterator[pa.RecordBatch]]
READERS: dict[Layout, Reader] = {
    "csv": read_delimited,
    "tsv": read_delimited,
    "jsonl": read_jsonl,
    "text": read_text,
}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LinkList:
    """A list of links as it was found.

    Args:
        address: of the list.
        kind: of the list, by its name.
        version: that was found.
    """

    address: str
    kind: Kind
    version: Fingerprint

    @property
    def key(self) -> str:
        return made_key(self.address)

    @property
    def mark(self) -> bytes:
        """The source that the part records."""
        return TypeAdapter(LinkList).dump_json(self)


def made_key(address: str) -> str:
    """The key of the part that is made from a list, in its run."""
    return f"{INPUT}/{part_id(address)}.parquet"


def look_at_list(address: str, kind: Kind, s3: S3Settings) -> LinkList:
    """A list, of which the beginning can be read.

    Raises:
        UselessPartError: it is empty.
        PartError: it is missing, or of another kind than its name says.
        StoreError: the place where it lies cannot be reached.
    """
    with open_part(address, s3) as (file, found), _list_errors(address):
        require_text(file, kind)
        return LinkList(address, kind, found)


def convert(links: LinkList, target: Path, batch_rows: int, s3: S3Settings, *, skip_bad_lines: bool) -> None:
    """Write a list as a parquet file with a row for each of its rows.

    Raises:
        UselessPartError: it has no rows.
        PartError: it changed, has no usable columns, or a line cannot be read.
        StoreError: a place cannot be reached, or the disk is full.
    """
    bad = BadLines(skip=skip_bad_lines)
    schema = FROM_INPUT.with_metadata({MARK: links.mark})
    with open_part(links.address, s3, links.version) as (file, _), _list_errors(links.address):
        rows = READERS[links.kind.layout](file, links.kind, bad)
        if not write_copy(target, rows, schema, batch_rows):
            raise ListError(f"all {bad.count} lines are bad; leave it out") if bad.count else EmptyListError
    if bad.count:
        log.warning("bad lines left out", part=links.address, lines=bad.count, first=bad.first)


@contextmanager
def _list_errors(address: str) -> Iterator[None]:
    try:
        yield
    except EmptyListError as error:
        raise UselessPartError(address, str(error)) from error
    except ListError as error:
        raise PartError(f"{address}: {error}") from error

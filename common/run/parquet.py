"""A part as the parquet file that it is."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from common.parquet.chunk import find_leaves
from common.parquet.errors import LargePageError
from common.run.chunk_metadata import require_sound_chunks
from common.run.columns import ColumnsError, input_columns, require_distinct
from common.run.footer import FooterError, open_file, require_sound
from common.run.part import PartError, open_part
from common.run.pieces import cut, decode, text_sizes
from common.run.planned_part import Part
from common.settings import S3Settings

TEXT_BYTES = 64 << 20
"""The longest text that is read."""


@contextmanager
def open_parquet(part: Part, s3: S3Settings) -> Iterator["PartReader"]:
    """Open the version of a part that was planned.

    Raises:
        PartError: the part changed, or is damaged; also for what is read inside the block.
        StoreError: the place where it lies cannot be reached.
    """
    with open_part(part.address, s3, part.fingerprint) as (file, _):
        try:
            yield PartReader(file, part.address)
        except pa.ArrowException as error:
            raise PartError(f"{part.address}: damaged ({error}); repair it and enqueue a new run") from error


class PartReader:
    """An open part: its footer, and its rows in pieces."""

    def __init__(self, file: BinaryIO, address: str) -> None:
        """Read the footer.

        Raises:
            PartError: its claims cannot be true, or a column in use has a twin.
        """
        self.file, self._address = file, address
        try:
            parquet = open_file(file)
            self.metadata, self.schema = parquet.metadata, parquet.schema_arrow
            self.rows = require_sound(self.metadata, file)
            require_distinct(self.schema)
        except (ColumnsError, FooterError) as error:
            raise PartError(f"{address}: {error}") from error
        self.columns = input_columns(self.schema)

    def pieces(
        self, first: int, count: int, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """As `batches`, cut: a piece has at most `PIECE_BYTES` of text, or one row."""
        for batch in self.batches(first, count, columns):
            yield from cut(batch)

    def batches(
        self, first: int, count: int, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Columns of `count` rows from row `first` on; fewer where the part ends before.

        Equal texts may be held once: written out, a batch may take any number of bytes.

        Args:
            first: row.
            count: of rows.
            columns: by their own names; those in use by default.

        Raises:
            PartError: a text is longer than `TEXT_BYTES`, or a page takes too much memory.
        """
        groups, position = self._row_groups(first, count)
        names = list(self.columns.values()) if columns is None else columns
        for batch in self._decode(groups, names, count):
            start, end = max(first - position, 0), min(first + count - position, batch.num_rows)
            if start < end:
                rows = batch.slice(start, end - start)
                self._require_short_texts(rows, position + start)
                yield rows
            position += batch.num_rows
            if position >= first + count:
                return

    def leaves(self) -> list[int]:
        """The positions of the columns in use among the columns of a row group."""
        return find_leaves(self.metadata, list(self.columns.values()))

    def require_sound_chunks(self, group: int) -> None:
        """Check the metadata of the columns in use in a row group, before they are asked for.

        Raises:
            OSError: they are damaged, or encrypted.
        """
        require_sound_chunks(self.file, self.metadata, [group], list(self.columns.values()))

    def _decode(self, groups: Sequence[int], columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
        try:
            yield from decode(self.file, self.metadata, groups, columns, rows)
        except LargePageError as error:
            raise PartError(f"{self._address}: {error}") from error

    def _row_groups(self, first: int, count: int) -> tuple[list[int], int]:
        """The row groups that hold the rows, and the position of their first row."""
        groups: list[int] = []
        start = position = 0
        for group in range(self.metadata.num_row_groups):
            rows = self.metadata.row_group(group).num_rows
            if position < first + count and position + rows > first:
                start = start if groups else position
                groups.append(group)
            position += rows
        return groups, start

    def _require_short_texts(self, piece: pa.RecordBatch, first: int) -> None:
        for name, sizes in text_sizes(piece).items():
            longest = pc.max(sizes).as_py()
            if longest > TEXT_BYTES:
                row = first + pc.index(sizes, longest).as_py()
                raise PartError(
                    f"{self._address}: column {name} of row {row} holds {longest >> 20} MB of text,"
                    f" more than {TEXT_BYTES >> 20}; leave that row out"
                )

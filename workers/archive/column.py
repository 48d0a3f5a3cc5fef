"""Images in a column of a parquet file."""

from collections.abc import Iterator, Sequence

from common.archive.column_part import read_images
from workers.archive.row_range import RowRange
from workers.archive.sizes import to_fetched
from workers.fetched import Fetched


class ColumnSource(RowRange):
    """The images of a row range."""

    __slots__ = ()

    def read(self, wanted: Sequence[int], max_bytes: int) -> Iterator[tuple[int, Fetched]]:
        """See `Source`."""
        first, rows = self.batch.first_row, frozenset(wanted)
        for held in read_images(self.part, first, self.batch.rows, max_bytes, self.s3):
            if held.row - first in rows:
                yield held.row - first, to_fetched(held, "the column holds no bytes in this row")

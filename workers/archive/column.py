"""Images in a column of a parquet file."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from common.archive.column_part import read_images
from common.archive.held import Held
from workers.archive.row_range import RowRange
from workers.archive.said import read_failures
from workers.archive.sizes import to_fetched
from workers.fetched import Fetched


class ColumnSource(RowRange):
    """The images of a row range."""

    def read(self, wanted: Sequence[int], max_bytes: int) -> Iterator[tuple[int, Fetched]]:
        """See `Source`."""
        first, chosen = self.batch.first_row, frozenset(wanted)
        for held in read_images(self.part, [self.rows], max_bytes, self.s3):
            if held.row - first in chosen:
                yield held.row - first, self._outcome(held)

    def _outcome(self, held: Held) -> Fetched:
        found = to_fetched(held, "the column holds no bytes in this row")
        return self._failures.get(held.row - self.batch.first_row, found) if found.body is None else found

    @cached_property
    def _failures(self) -> Mapping[int, Fetched]:
        """What the part, if img2dataset wrote it, says of rows without bytes."""
        return read_failures(self.part, self.batch, self.s3)

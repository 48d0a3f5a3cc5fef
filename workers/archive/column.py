"""Images in a column of a parquet file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from common.archive.column_part import read_images
from common.run.batch import Batch
from common.run.planned_part import Part
from common.settings import S3Settings
from workers.archive.sizes import to_fetched
from workers.fetched import Fetched


@dataclass(frozen=True, slots=True)
class ColumnSource:
    """The images of a row range."""

    part: Part
    batch: Batch
    s3: S3Settings

    def absent(self) -> Mapping[int, Fetched]:
        """Known only once the column is read."""
        return {}

    def read(self, wanted: Sequence[int], max_bytes: int) -> Iterator[tuple[int, Fetched]]:
        """See `Source`."""
        first, rows = self.batch.first_row, frozenset(wanted)
        for held in read_images(self.part, first, self.batch.rows, max_bytes, self.s3):
            if held.row - first in rows:
                yield held.row - first, to_fetched(held, "the column holds no bytes in this row")

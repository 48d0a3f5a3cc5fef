"""A batch of a column or a folder: an absent image is found only when it is read."""

from collections.abc import Mapping
from dataclasses import dataclass

from common.run.batch import Batch
from common.run.planned_part import Part
from common.settings import S3Settings
from workers.fetched import Fetched


@dataclass(frozen=True, slots=True)
class RowRange:
    """The rows of a batch, and the part that holds their images."""

    part: Part
    batch: Batch
    s3: S3Settings

    @property
    def rows(self) -> range:
        """Numbers of the rows in the part."""
        return range(self.batch.first_row, self.batch.first_row + self.batch.rows)

    def absent(self) -> Mapping[int, Fetched]:
        """None: absence is found when the row is read."""
        return {}

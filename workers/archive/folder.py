"""Images in a folder, by its index."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from common.archive.folder_part import read_files, read_paths
from common.run.batch import Batch
from common.run.planned_part import Part
from common.settings import S3Settings
from workers.archive.sizes import to_fetched
from workers.fetched import Fetched


@dataclass(frozen=True, slots=True)
class FolderSource:
    """The files of a row range."""

    part: Part
    batch: Batch
    s3: S3Settings

    def absent(self) -> Mapping[int, Fetched]:
        """Known only once the files are opened."""
        return {}

    def read(self, wanted: Sequence[int], max_bytes: int) -> Iterator[tuple[int, Fetched]]:
        """See `Source`."""
        first = self.batch.first_row
        paths = read_paths(self.part, first, self.batch.rows, self.s3)
        chosen = {first + index: paths[first + index] for index in sorted(wanted)}
        for held in read_files(self.part, chosen, max_bytes, self.s3):
            yield held.row - first, to_fetched(held, "no such file in the folder")

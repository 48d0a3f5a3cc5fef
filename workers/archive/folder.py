"""Images in a folder, by its index or by the list beside it."""

from collections.abc import Iterator, Mapping, Sequence

from common.archive.folder_part import read_files, read_paths
from workers.archive.row_range import RowRange
from workers.archive.said import read_failures
from workers.archive.sizes import to_fetched
from workers.fetched import Fetched


class FolderSource(RowRange):
    """The files of a row range."""

    __slots__ = ()

    def absent(self) -> Mapping[int, Fetched]:
        """What the list beside the folder calls failures."""
        return {} if self.part.suffix is None else read_failures(self.part, self.batch, self.s3)

    def read(self, wanted: Sequence[int], max_bytes: int) -> Iterator[tuple[int, Fetched]]:
        """See `Source`."""
        first = self.batch.first_row
        paths = read_paths(self.part, [self.rows], self.s3)
        chosen = {first + index: paths[first + index] for index in sorted(wanted)}
        for held in read_files(self.part, chosen, max_bytes, self.s3):
            yield held.row - first, to_fetched(held, "no such file in the folder")

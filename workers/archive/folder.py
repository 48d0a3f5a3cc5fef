"""Images in a folder, by its index."""

from collections.abc import Iterator, Sequence

from common.archive.folder_part import read_files, read_paths
from workers.archive.row_range import RowRange
from workers.archive.sizes import to_fetched
from workers.fetched import Fetched


class FolderSource(RowRange):
    """The files of a row range."""

    __slots__ = ()

    def read(self, wanted: Sequence[int], max_bytes: int) -> Iterator[tuple[int, Fetched]]:
        """See `Source`."""
        first = self.batch.first_row
        paths = read_paths(self.part, first, self.batch.rows, self.s3)
        chosen = {first + index: paths[first + index] for index in sorted(wanted)}
        for held in read_files(self.part, chosen, max_bytes, self.s3):
            yield held.row - first, to_fetched(held, "no such file in the folder")

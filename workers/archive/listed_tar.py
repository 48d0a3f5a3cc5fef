"""Images in a tar whose rows are those of the parquet file beside it, as img2dataset writes them."""

from collections.abc import Iterator, Mapping, Sequence

from common.archive.img2dataset import STATUS, SUCCESS
from common.archive.tar import TarError
from common.archive.tar_part import find_images, open_tar, read_members
from common.run.batch import Batch
from common.run.planned_part import Part
from common.settings import S3Settings
from workers.archive.said import read_said, to_outcome
from workers.archive.sizes import to_fetched
from workers.fetched import Fetched


class ListedTarSource:
    """The images of a row range; the headers are read once, to the archive's end."""

    def __init__(self, part: Part, batch: Batch, s3: S3Settings) -> None:
        self._part, self._batch, self._s3 = part, batch, s3
        with open_tar(part, s3) as file:
            self._members = find_images(part, file, batch.first_row, batch.rows, s3)
            self._absent = dict(self._read_absent())

    def absent(self) -> Mapping[int, Fetched]:
        """Rows without an image in the tar, with the list's own reason."""
        return self._absent

    def read(self, wanted: Sequence[int], max_bytes: int) -> Iterator[tuple[int, Fetched]]:
        """See `Source`."""
        first = self._batch.first_row
        members = {first + index: self._members[first + index] for index in wanted}
        with open_tar(self._part, self._s3) as file:
            for held in read_members(file, members, max_bytes):
                yield held.row - first, to_fetched(held, "the member is empty")

    def _read_absent(self) -> Iterator[tuple[int, Fetched]]:
        first = self._batch.first_row
        for index, said in enumerate(read_said(self._part.row_list, self._batch, self._s3)):
            if first + index in self._members:
                continue
            if said.get(STATUS) == SUCCESS:
                row = first + index
                raise TarError(
                    f"the image of row {row} is missing, which the parquet beside it says was downloaded"
                )
            yield index, to_outcome(said, "not in the tar")

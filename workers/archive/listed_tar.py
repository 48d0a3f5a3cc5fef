"""Images in a tar whose rows are those of the parquet file beside it, as img2dataset writes them."""

from collections.abc import Iterator, Mapping, Sequence

from common.archive.tar import TarError
from common.archive.tar_part import find_images, open_tar, read_members
from common.run.batch import Batch
from common.run.parquet import open_parquet
from common.run.planned_part import Part
from common.run.schema import Status
from common.settings import S3Settings
from workers.archive.sizes import to_fetched
from workers.fetched import Fetched

STATUS, MESSAGE = "status", "error_message"
SUCCESS = "success"
OPT_OUT = "Use of image disallowed by"
"""How img2dataset's words for an opt-out begin."""


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
        first, index = self._batch.first_row, 0
        with open_parquet(self._part.row_list, self._s3) as reader:
            columns = [name for name in (STATUS, MESSAGE) if name in reader.schema.names]
            for piece in reader.pieces(first, self._batch.rows, columns):
                for said in piece.to_pylist():
                    if first + index not in self._members:
                        yield index, _verdict(first + index, said)
                    index += 1


def _verdict(row: int, said: Mapping[str, str | None]) -> Fetched:
    """The outcome of a row without an image.

    Raises:
        TarError: the list says that there is one.
    """
    status, message = said.get(STATUS), said.get(MESSAGE)
    if status == SUCCESS:
        raise TarError(f"the image of row {row} is missing, which the parquet beside it says was downloaded")
    if message and message.startswith(OPT_OUT):
        return Fetched(Status.OPT_OUT, message)
    return Fetched(Status.NO_IMAGE, message or status or "not in the tar")

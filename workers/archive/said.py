"""What a list says of rows without images, in img2dataset's words."""

from collections.abc import Mapping

from common.archive.img2dataset import COLUMNS, MESSAGE, OPT_OUT, STATUS, SUCCESS
from common.run.batch import Batch
from common.run.parquet import open_parquet
from common.run.planned_part import Part
from common.run.status import Status
from common.settings import S3Settings
from workers.fetched import Fetched

Said = Mapping[str, str | None]


def read_said(rows: Part, batch: Batch, s3: S3Settings) -> list[Said]:
    """Status and message of each row of a batch; nothing where img2dataset did not write the list.

    Raises:
        PartError: the list changed or is damaged.
        StoreError: the place where it lies cannot be reached.
    """
    with open_parquet(rows, s3) as reader:
        if not set(reader.schema.names) >= COLUMNS:
            return [{}] * batch.rows
        pieces = reader.pieces(batch.first_row, batch.rows, [STATUS, MESSAGE])
        return [_to_texts(said) for piece in pieces for said in piece.to_pylist()]


def read_failures(rows: Part, batch: Batch, s3: S3Settings) -> dict[int, Fetched]:
    """The rows of a batch that the list calls failures, by index; see `read_said`."""
    said = enumerate(read_said(rows, batch, s3))
    return {index: to_outcome(one, "") for index, one in said if one.get(STATUS) not in {None, SUCCESS}}


def _to_texts(said: Mapping[str, object]) -> Said:
    return {name: None if value is None else str(value) for name, value in said.items()}


def to_outcome(said: Said, otherwise: str) -> Fetched:
    """The outcome of a row without an image; `otherwise` where the list does not say why."""
    status, message = said.get(STATUS), said.get(MESSAGE)
    if message and message.startswith(OPT_OUT):
        return Fetched(Status.OPT_OUT, message)
    return Fetched(Status.NO_IMAGE, message or status or otherwise)

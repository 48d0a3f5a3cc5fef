"""The images of a planned parquet file."""

from collections.abc import Generator

import pyarrow as pa

from common.archive.column_images import read_column
from common.archive.held import Held
from common.archive.image_column import find_image_column
from common.run.columns import ColumnsError
from common.run.parquet import open_parquet
from common.run.part import DamagedPartError, PartError
from common.run.planned_part import Part
from common.settings import S3Settings


def read_images(
    part: Part, first: int, count: int, max_bytes: int, s3: S3Settings
) -> Generator[Held, None, None]:
    """The bytes of each row of a row range, in order.

    Raises:
        PartError: the part changed, is damaged or has no images.
        StoreError: the place where it lies cannot be reached.
    """
    with open_parquet(part, s3) as reader:
        column = _column(part, reader.schema)
        row = first
        for body in read_column(reader.file, column, first, count):
            size = len(body or b"")
            yield Held(row, body if size <= max_bytes else None, size)
            row += 1
    if row != first + count:
        raise DamagedPartError(f"{part.address}: rows end before row {first + count}")


def _column(part: Part, schema: pa.Schema) -> str:
    try:
        column = find_image_column(schema)
    except ColumnsError as error:
        raise PartError(f"{part.address}: {error}") from error
    if column is None:
        raise PartError(f"{part.address}: no column of images; enqueue it into a new run")
    return column

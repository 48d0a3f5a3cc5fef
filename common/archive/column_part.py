"""The images of a planned parquet file."""

from collections.abc import Generator, Iterable, Iterator

import pyarrow as pa

from common.archive.column_images import ImageColumn
from common.archive.held import Held
from common.archive.image_column import find_image_column
from common.parquet.errors import LargePageError
from common.run.columns import ColumnsError
from common.run.parquet import open_parquet
from common.run.part import DamagedPartError, PartError
from common.run.planned_part import Part
from common.settings import S3Settings


def read_images(
    part: Part, ranges: Iterable[range], max_bytes: int, s3: S3Settings
) -> Generator[Held, None, None]:
    """The bytes of each row of some row ranges, in order.

    Raises:
        PartError: the part changed, is damaged or has no images.
        StoreError: the place where it lies cannot be reached.
    """
    with open_parquet(part, s3) as reader:
        images = ImageColumn(reader.file, _column(part, reader.schema))
        for rows in ranges:
            row = rows.start
            for body in _read(images, rows, part):
                size = len(body or b"")
                yield Held(row, body if size <= max_bytes else None, size)
                row += 1
            if row != rows.stop:
                raise DamagedPartError(f"{part.address}: rows end before row {rows.stop}")


def _read(images: ImageColumn, rows: range, part: Part) -> Iterator[bytes | None]:
    try:
        yield from images.read(rows)
    except LargePageError as error:
        raise PartError(f"{part.address}: {error}") from error


def _column(part: Part, schema: pa.Schema) -> str:
    try:
        column = find_image_column(schema)
    except ColumnsError as error:
        raise PartError(f"{part.address}: {error}") from error
    if column is None:
        raise PartError(f"{part.address}: no column of images; enqueue it into a new run")
    return column

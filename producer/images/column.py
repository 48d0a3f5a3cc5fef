"""Parquet that holds images."""

import pyarrow as pa
import pyarrow.parquet as pq

from common.archive.image_column import count_images, find_image_column, leaf_of
from common.run.columns import input_columns
from producer.useless import UselessPartError


def holds_images(address: str, schema: pa.Schema, metadata: pq.FileMetaData) -> bool:
    """Whether a parquet file has a column of images with bytes in it, by its footer alone.

    Raises:
        UselessPartError: it names images by path, and holds neither bytes nor links.
        ColumnsError: several columns hold images.
    """
    column = find_image_column(schema)
    if column is None:
        return False
    if count_images(metadata, leaf_of(schema, column)):
        return True
    if "URL" in input_columns(schema):
        return False
    raise UselessPartError(
        address, "its images are paths without bytes", "enqueue the folder of the images, or embed them"
    )

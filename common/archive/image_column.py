"""The column of a parquet file that holds images: `struct<bytes, path>` as `datasets` writes it, or bytes."""

import json
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.parquet as pq

from common.console.words import quote
from common.run.columns import ColumnsError, input_columns, plain_type

NAMES = (
    "image",
    "img",
    "jpg",
    "jpeg",
    "png",
    "webp",
    "image_bytes",
    "image_data",
    "picture",
    "photo",
    "bytes",
)
"""Spellings of a column of plain bytes, best first."""


def find_image_column(schema: pa.Schema) -> str | None:
    """The name of the column of images, or None where there is none.

    The footer's own word (`huggingface`) counts most, then the type, then the name.

    Raises:
        ColumnsError: there are several, and none has a usual name.
    """
    used = set(input_columns(schema).values())
    fields = [field for field in schema if field.name not in used]
    declared = _declared_columns(schema)
    for candidates in (
        [field.name for field in fields if field.name in declared and _holds_bytes(field.type)],
        [field.name for field in fields if _is_image_struct(field.type)],
        [field.name for field in fields if field.name.lower() in NAMES and _is_bytes(field.type)],
    ):
        if candidates:
            return _choose(candidates)
    return None


def leaf_of(schema: pa.Schema, column: str) -> str:
    """The path of the bytes among the leaves of a row group: `image.bytes`, or the column itself."""
    return f"{column}.bytes" if pa.types.is_struct(plain_type(schema.field(column).type)) else column


def count_images(metadata: pq.FileMetaData, leaf: str) -> int:
    """At most so many rows hold bytes, by the null counts of a footer whose chunks are sound."""
    index = leaf_index(metadata, leaf)
    return sum(_present(metadata, group, index) for group in range(metadata.num_row_groups))


def leaf_index(metadata: pq.FileMetaData, leaf: str) -> int:
    """The position of a leaf among those of a row group."""
    return next(i for i in range(metadata.num_columns) if metadata.schema.column(i).path == leaf)


def byte_columns(schema: pa.Schema) -> list[str]:
    """The columns that might be of images, whatever their names are."""
    return [field.name for field in schema if _holds_bytes(field.type)]


def read_image(values: pa.Array, row: int) -> bytes | None:
    """The bytes in one row of an image column; None where it holds none."""
    if isinstance(values.type, pa.BaseExtensionType):
        values = values.storage
    if pa.types.is_struct(values.type):
        values, is_there = values.field("bytes"), values[row].is_valid
    else:
        is_there = True
    body: bytes | None = values[row].as_py() if is_there else None
    return body


def _present(metadata: pq.FileMetaData, group: int, index: int) -> int:
    row_group = metadata.row_group(group)
    column = row_group.column(index)
    # pyarrow ends the process where it is asked for statistics of another type than the schema's.
    is_sound = column.physical_type == metadata.schema.column(index).physical_type
    statistics = column.statistics if is_sound else None
    if statistics is None or not statistics.has_null_count:
        return int(row_group.num_rows)
    return int(row_group.num_rows - statistics.null_count)


def _declared_columns(schema: pa.Schema) -> set[str]:
    """Columns that `datasets` calls images."""
    try:
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        return {name for name, feature in features.items() if feature.get("_type") == "Image"}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return set()


def _holds_bytes(kind: pa.DataType) -> bool:
    return _is_image_struct(kind) or _is_bytes(kind)


def _is_image_struct(kind: pa.DataType) -> bool:
    kind = plain_type(kind)
    if not pa.types.is_struct(kind):
        return False
    index = kind.get_field_index("bytes")
    return index >= 0 and _is_bytes(kind.field(index).type)


def _is_bytes(kind: pa.DataType) -> bool:
    kind = plain_type(kind)
    return any(test(kind) for test in (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view))


def _choose(candidates: Iterable[str]) -> str:
    names = list(candidates)
    if len(names) == 1:
        return names[0]
    ranked = [name for usual in NAMES for name in names if name.lower() == usual]
    if not ranked:
        raise ColumnsError(
            f"several columns of images ({quote(', '.join(names[:5]))}); name the one to caption 'image'"
        )
    return ranked[0]

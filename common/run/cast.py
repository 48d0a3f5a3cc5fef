"""Columns of an input, brought to the published types."""

import pyarrow as pa
import pyarrow.compute as pc

from common.run.columns import is_characters, plain_type

CANNOT_CAST = (pa.ArrowInvalid, pa.ArrowNotImplementedError)


def as_type(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Cast a column; where that fails, each value by itself, null where it cannot be cast.

    Text stays byte for byte. A dictionary's values are cast once each.
    """
    if isinstance(column.type, pa.BaseExtensionType):
        column = column.storage
    if pa.types.is_dictionary(column.type):
        return as_type(column.dictionary, kind).take(column.indices)
    if is_characters(column.type):
        column = _as_string(column)
        if pa.types.is_integer(kind):  # pandas writes the whole numbers of a column with gaps as 640.0
            column = pc.replace_substring_regex(column, r"\.0+$", "")
    try:
        return column.cast(kind)
    except CANNOT_CAST:
        return pa.array([_as_value(value, kind) for value in column], kind)


def text_bytes(column: pa.Array) -> pa.Array:
    """The length in bytes of each value of a column of texts; 0 where it is null (int64)."""
    if isinstance(column.type, pa.BaseExtensionType):
        column = column.storage
    if pa.types.is_dictionary(column.type):
        lengths = text_bytes(column.dictionary).take(column.indices)
    else:
        lengths = pc.binary_length(column.cast(_measurable(column.type))).cast(pa.int64())
    return pc.fill_null(lengths, 0)


def is_text(kind: pa.DataType) -> bool:
    """Whether a value's size is its own: texts and bytes, in a dictionary or not."""
    return is_characters(plain_type(kind))


def _measurable(kind: pa.DataType) -> pa.DataType:
    """Views and fixed sizes have no kernel that measures them."""
    views = pa.types.is_string_view(kind) or pa.types.is_binary_view(kind)
    return pa.large_binary() if views or pa.types.is_fixed_size_binary(kind) else kind


def _as_string(column: pa.Array) -> pa.Array:
    """Byte for byte; bytes that are not UTF-8 are null, because no reader could open the shard otherwise."""
    raw = column.cast(pa.binary())
    try:
        return raw.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([_decode(value.as_py()) for value in raw], pa.string())


def _decode(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _as_value(value: pa.Scalar, kind: pa.DataType) -> object:
    try:
        return value.cast(kind).as_py()
    except CANNOT_CAST:
        return None

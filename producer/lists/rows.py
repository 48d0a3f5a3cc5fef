"""Rows of a list on their way into a part."""

import pyarrow as pa
import pyarrow.compute as pc

from common.run.cast import as_type
from common.run.schema import PASSED_THROUGH, PUBLISHED

COLUMNS = pa.schema([PUBLISHED.field(name) for name in ("URL", "TEXT", *PASSED_THROUGH)])
"""The columns of a part that is made from a list."""

TEXTS = ("URL", "TEXT")
LONGEST_LINE = 64 << 20


def to_batch(columns: dict[str, pa.Array], rows: int) -> pa.RecordBatch:
    """Columns of text under our names, in the types of a part; null where one lacks or is empty."""
    arrays = [_column(columns.get(field.name), field, rows) for field in COLUMNS]
    return pa.RecordBatch.from_arrays(arrays, schema=COLUMNS)


def _column(values: pa.Array | None, field: pa.Field, rows: int) -> pa.Array:
    if values is None:
        return pa.nulls(rows, field.type)
    if field.name not in TEXTS:
        values = pc.if_else(pc.equal(values, pa.scalar("", values.type)), None, values)
    return as_type(values, field.type)


def is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True

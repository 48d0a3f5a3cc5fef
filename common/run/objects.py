"""JSON objects as rows: their keys are columns, in the spellings that people use."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from common.run.cast import as_type
from common.run.columns import ColumnsError, input_columns, require_usable
from common.run.schema import FROM_INPUT

Row = Mapping[str, str | None]
"""Texts by our names of the columns."""

TEXTS = ("URL", "TEXT")


def to_row(record: Mapping[str, Any]) -> dict[str, str | None]:
    """The values of an object that are used, as text.

    Raises:
        ColumnsError: URL or TEXT is no text.
    """
    shape = tuple((key, isinstance(value, (list, dict))) for key, value in record.items())
    return {name: _as_text(record[key]) for name, key in _columns(shape).items()}


def gather(rows: Sequence[Row]) -> pa.RecordBatch:
    """Rows as `common.run.schema.FROM_INPUT`."""
    names = {name for row in rows for name in row}
    columns = {name: pa.array([row.get(name) for row in rows], pa.large_string()) for name in names}
    return to_batch(columns, len(rows))


def to_batch(columns: Mapping[str, pa.Array], rows: int) -> pa.RecordBatch:
    """Columns of text under our names, in the types of `FROM_INPUT`; null where one lacks or is empty."""
    arrays = [_column(columns.get(field.name), field, rows) for field in FROM_INPUT]
    return pa.RecordBatch.from_arrays(arrays, schema=FROM_INPUT)


def _column(values: pa.Array | None, field: pa.Field, rows: int) -> pa.Array:
    if values is None:
        return pa.nulls(rows, field.type)
    if field.name not in TEXTS:
        values = pc.if_else(pc.equal(values, pa.scalar("", values.type)), None, values)
    return as_type(values, field.type)


@lru_cache(maxsize=1024)
def _columns(shape: Iterable[tuple[str, bool]]) -> dict[str, str]:
    """Our name of each key that is used, chosen as among the columns of a parquet file."""
    schema = pa.schema([(key, pa.list_(pa.string()) if nested else pa.string()) for key, nested in shape])
    require_usable(schema)
    return input_columns(schema)


def _as_text(value: Any) -> str | None:
    text = value if value is None or isinstance(value, str) else json.dumps(value)
    try:
        (text or "").encode()
    except UnicodeEncodeError as error:
        raise ColumnsError("half a surrogate pair, which UTF-8 cannot hold") from error
    return text

"""The lists that img2dataset writes beside its images: a row for each link, failed downloads included."""

import pyarrow as pa

from common.run.columns import is_characters, plain_type

KEY = "key"
"""Column of the names of the images, without their endings."""

STATUS, MESSAGE = "status", "error_message"
SUCCESS = "success"
OPT_OUT = "Use of image disallowed by"
"""How img2dataset's words for an opt-out begin."""

COLUMNS = frozenset({KEY, STATUS, MESSAGE})
"""By which its lists are known."""

LIST, STATS = ".parquet", "_stats.json"
"""Endings of a shard's list, and of its statistics, which are written last."""


def has_keys(schema: pa.Schema) -> bool:
    """Whether a parquet file names images by key, as texts or numbers."""
    if KEY not in schema.names:
        return False
    kind = plain_type(schema.field(KEY).type)
    return is_characters(kind) or pa.types.is_integer(kind)


def to_key(value: object) -> str | None:
    """A value of the column as the key that it is."""
    if isinstance(value, bytes):
        return value.decode(errors="surrogateescape")
    return None if value is None else str(value)

"""Planning: from the footers of the parts alone, never from their rows."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.parquet as pq

from common.console.progress import progress
from common.run.columns import input_columns
from common.run.manifest import Part, part_id
from common.run.part import PartError, open_part
from common.settings import S3Settings

READERS = 16
TEXTUAL = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)


def plan_parts(addresses: Sequence[str], s3: S3Settings, limit_rows: int | None = None) -> list[Part]:
    """The plan of every part, in order.

    Args:
        addresses: as `expand` gives them.
        s3: where S3 is.
        limit_rows: plan only this many rows, counted over all parts in order.

    Raises:
        PartError: a part is missing, no parquet, has no URL column or no rows.
    """
    with progress("reading footers", len(addresses)) as advance, ThreadPoolExecutor(READERS) as pool:
        plans = []
        for part in pool.map(lambda address: plan_part(address, s3), addresses):
            plans.append(part)
            advance(1)
    return plans if limit_rows is None else _limited(plans, limit_rows)


def plan_part(address: str, s3: S3Settings) -> Part:
    """Rows and fingerprint of one part, from its footer."""
    with open_part(address, s3) as (file, found):
        try:
            parquet = pq.ParquetFile(file)
            rows, schema = parquet.metadata.num_rows, parquet.schema_arrow
        except pa.ArrowException as error:
            raise PartError(f"{address}: not a parquet file, or cut short; fetch it again") from error
    _check(address, rows, schema)
    return Part(id=part_id(address), address=address, rows=rows, size=found.size, etag=found.etag)


def _check(address: str, rows: int, schema: pa.Schema) -> None:
    column = input_columns(schema).get("URL")
    if column is None:
        names = ", ".join(schema.names[:10])
        raise PartError(f"{address}: no URL column among {names}; name it URL or url")
    kind = schema.field(column).type
    if not any(test(getattr(kind, "value_type", kind)) for test in TEXTUAL):
        raise PartError(f"{address}: column {column} holds {kind}, not text; name another column URL")
    if rows == 0:
        raise PartError(f"{address}: no rows; leave this part out")


def _limited(parts: Sequence[Part], limit: int) -> list[Part]:
    kept: list[Part] = []
    for part in parts:
        if limit <= 0:
            break
        kept.append(part.model_copy(update={"rows": min(part.rows, limit)}))
        limit -= part.rows
    return kept

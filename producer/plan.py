"""Planning: from the footers of the parts alone, never from their rows."""

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import structlog

from common.console.progress import progress
from common.run.columns import ColumnsError, require_columns, unused_columns
from common.run.footer import FooterError, open_file, require_sound
from common.run.part import PartError, open_part
from common.run.planned_part import Part, part_id
from common.settings import S3Settings
from producer.kinds import describe

READERS = 16
ENCRYPTED = "encrypted"
"""pyarrow's word for a footer that it has no key for."""
SHARD_MARK = b"fleet"
"""Key of a shard's metadata (`workers.batch.shard`)."""

log = structlog.get_logger(__name__)


def plan_parts(addresses: Sequence[str], s3: S3Settings) -> list[Part]:
    """The plan of every part, in order.

    Args:
        addresses: as `expand` gives them.
        s3: where S3 is.

    Raises:
        PartError: a part is missing, no parquet, has no usable URL column or no rows.
    """
    with progress("reading footers", len(addresses)) as advance, ThreadPoolExecutor(READERS) as pool:
        plans, remarks = [], Counter[str]()
        for part, said in pool.map(lambda address: _plan(address, s3), addresses):
            plans.append(part)
            remarks.update(said)
            advance(1)
    for remark, parts in remarks.items():
        log.warning(remark, parts=parts)
    return plans


def plan_part(address: str, s3: S3Settings) -> Part:
    """Rows and fingerprint of one part, from its footer."""
    return _plan(address, s3)[0]


def limit_parts(parts: Iterable[Part], limit: int) -> list[Part]:
    """The first `limit` rows over all `parts`, in order."""
    kept: list[Part] = []
    for part in parts:
        if limit <= 0:
            break
        kept.append(part.model_copy(update={"rows": min(part.rows, limit)}))
        limit -= part.rows
    return kept


def _plan(address: str, s3: S3Settings) -> tuple[Part, list[str]]:
    """The plan of a part, and remarks about its columns."""
    with open_part(address, s3) as (file, found):
        try:
            parquet = open_file(file)
            rows = require_sound(parquet.metadata, file)
            schema = parquet.schema_arrow
            require_columns(schema)
        except pa.ArrowException as error:
            raise PartError(f"{address}: {describe(file)}") from error
        except OSError as error:
            if ENCRYPTED not in str(error):
                raise
            raise PartError(f"{address}: {describe(file)}") from error
        except (ColumnsError, FooterError) as error:
            raise PartError(f"{address}: {error}") from error
    _require_list(address, rows, schema)
    part = Part(id=part_id(address), address=address, rows=rows, size=found.size, etag=found.etag)
    return part, list(unused_columns(schema))


def _require_list(address: str, rows: int, schema: pa.Schema) -> None:
    if SHARD_MARK in (schema.metadata or {}):
        raise PartError(f"{address}: a shard that the fleet wrote, not a list of links; leave its run out")
    if rows == 0:
        raise PartError(f"{address}: no rows; leave this part out")

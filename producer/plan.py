"""Planning: from footers and headers alone, never from rows."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa
import structlog

from common.archive.tar_part import KEY
from common.console.progress import progress
from common.run.columns import (
    ColumnsError,
    input_columns,
    require_columns,
    require_distinct,
    require_usable,
    unused_columns,
)
from common.run.fingerprint import Fingerprint
from common.run.footer import FooterError, open_file, require_sound
from common.run.part import ChangedPartError, PartError, open_part
from common.run.planned_part import Part, part_id
from common.settings import S3Settings
from producer.images.column import holds_images
from producer.images.errors import UselessPartError
from producer.images.siblings import Siblings
from producer.images.tar import is_tar, plan_tar, tar_of
from producer.kinds import describe
from producer.memory import NOTHING, Memory

READERS = 32
ENCRYPTED = "encrypted"
"""pyarrow's word for a footer that it has no key for."""
SHARD_MARK = b"fleet"
"""Key of a shard's metadata (`workers.batch.shard`)."""

BESIDE_TAR = "read as images, from the tar beside the list; --as links downloads its links instead"
IN_COLUMN = "read as images, from the column that holds them; --as links downloads the links instead"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Planned:
    """Result of planning one file.

    Args:
        part: its plan; None where nothing in it can be captioned.
        remarks: about its columns, and how it is read.
        useless: why there is no plan.
    """

    part: Part | None
    remarks: Sequence[str] = ()
    useless: UselessPartError | None = None


def plan_parts(
    addresses: Sequence[str],
    s3: S3Settings,
    *,
    siblings: Siblings | None = None,
    as_links: bool = False,
    is_alone: bool = True,
    memory: Memory = NOTHING,
) -> dict[str, Part]:
    """The plan of each part, by its address; those with nothing to caption are left out and counted.

    Those that are remembered are not opened.

    Args:
        addresses: of parquet files and tars.
        s3: where S3 is.
        siblings: the files beside them, where they were listed before.
        as_links: read files that hold images, or lie beside a tar of them, as lists of links.
        is_alone: there are no parts beside these.
        memory: of this run.

    Raises:
        PartError: a part is missing, no parquet or tar, or has neither links nor images; or all are useless.
    """
    planner = _Planner(s3, siblings or Siblings(s3), memory, as_links)
    with progress("reading footers", len(addresses)) as advance, ThreadPoolExecutor(READERS) as pool:
        found: list[Planned] = []
        for planned in pool.map(planner.plan, addresses):
            found.append(planned)
            advance(1)
    plans = {address: planned.part for address, planned in zip(addresses, found, strict=True) if planned.part}
    _report(found, is_alone=is_alone and not plans)
    return plans


def _report(found: Sequence[Planned], *, is_alone: bool) -> None:
    useless = [planned.useless for planned in found if planned.useless]
    if useless and is_alone:
        raise useless[0]
    for reason, parts in Counter(error.reason for error in useless).items():
        log.warning("left out", reason=reason, parts=parts)
    for remark, parts in Counter(remark for planned in found for remark in planned.remarks).items():
        log.warning(remark, parts=parts)


def plan_part(address: str, s3: S3Settings) -> Part:
    """Rows and fingerprint of one part, from its footer."""
    return plan_parts([address], s3)[address]


def limit_parts(parts: Iterable[Part], limit: int) -> list[Part]:
    """The first `limit` rows over all `parts`, in order."""
    kept: list[Part] = []
    for part in parts:
        if limit <= 0:
            break
        kept.append(part.model_copy(update={"rows": min(part.rows, limit)}))
        limit -= part.rows
    return kept


@dataclass(frozen=True, slots=True)
class _Planner:
    """Plans one part at a time, in any thread."""

    s3: S3Settings
    siblings: Siblings
    memory: Memory
    as_links: bool

    def plan(self, address: str) -> Planned:
        part = self.memory.recall(address)
        if part is not None:
            return Planned(part)
        try:
            return self._plan_tar(address) if is_tar(address) else self._plan_parquet(address)
        except UselessPartError as error:
            return Planned(None, useless=error)

    def _plan_tar(self, address: str) -> Planned:
        return Planned(plan_tar(address, self.s3, self.siblings))

    def _plan_parquet(self, address: str) -> Planned:
        try:
            return self._read_footer(address, self.memory.listed.get(address))
        except ChangedPartError:  # since the listing
            return self._read_footer(address, None)

    def _read_footer(self, address: str, listed: Fingerprint | None) -> Planned:
        with (
            open_part(address, self.s3, listed=listed) as (file, found),
            _footer_errors(address, file),
        ):
            part = self.memory.recall(address, found)
            if part is not None:
                return Planned(part)
            parquet = open_file(file)
            rows, schema = require_sound(parquet.metadata, file), parquet.schema_arrow
            require_distinct(schema)
            require_usable(schema)
            if not self.as_links and KEY in schema.names and self.siblings.has(tar_of(address)):
                return Planned(plan_tar(tar_of(address), self.s3, self.siblings), [BESIDE_TAR])
            is_images = not self.as_links and holds_images(address, schema, parquet.metadata)
            if not is_images:
                require_columns(schema)
        _require_rows(address, rows, schema)
        part = Part(
            id=part_id(address),
            address=address,
            rows=rows,
            size=found.size,
            etag=found.etag,
            kind="images" if is_images else "links",
            file_rows=rows,
        )
        in_column = [IN_COLUMN] if is_images and "URL" in input_columns(schema) else []
        return Planned(part, [*unused_columns(schema), *in_column])


@contextmanager
def _footer_errors(address: str, file: BinaryIO) -> Iterator[None]:
    try:
        yield
    except pa.ArrowException as error:
        raise PartError(f"{address}: {describe(file)}") from error
    except OSError as error:
        if ENCRYPTED not in str(error):
            raise
        raise PartError(f"{address}: {describe(file)}") from error
    except (ColumnsError, FooterError) as error:
        raise PartError(f"{address}: {error}") from error


def _require_rows(address: str, rows: int, schema: pa.Schema) -> None:
    if SHARD_MARK in (schema.metadata or {}):
        raise PartError(f"{address}: a shard that the fleet wrote, not a list of links; leave its run out")
    if rows == 0:
        raise PartError(f"{address}: no rows; leave this part out")

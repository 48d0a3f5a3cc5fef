"""The audit of one shard: exactly the rows of its batch, made by its run."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.console.words import quote
from common.run.batch import Batch
from common.run.manifest import Models, Run
from common.run.provenance import difference, read_provenance
from common.run.schema import SHARD
from common.run.shard_rows import DAMAGED, open_shard_file, read_rows
from common.run.status import Status
from common.store import Store

AT_ONCE = 2000
"""Rows decoded at once: a shard of a few bytes may repeat one long text for ever."""
NEEDED = {"part", "row", "status", "top_caption"}


@dataclass(frozen=True, slots=True)
class Shard:
    """A batch, its number, and the size of its shard in bytes, which tells versions of it apart."""

    number: int
    batch: Batch
    size: int


@dataclass(slots=True)
class Audit:
    """Contents of one shard or of many, and a line for each fault."""

    rows: int = 0
    duplicates: int = 0
    bad_shards: int = 0
    by_status: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def add(self, other: "Audit") -> None:
        self.rows += other.rows
        self.duplicates += other.duplicates
        self.bad_shards += other.bad_shards
        self.by_status += other.by_status
        self.problems += other.problems


def audit_shard(store: Store, run: Run, batch: Batch) -> Audit:
    """Read every column of a shard and compare it with its batch and its run.

    Raises:
        StoreError: the store cannot be reached.
    """
    audit = Audit()
    faults = list(_faults(store, run, batch, audit))
    audit.problems = [f"batch {batch.id}: {fault}" for fault in faults]
    audit.bad_shards = int(bool(faults))
    return audit


def _faults(store: Store, run: Run, batch: Batch, audit: Audit) -> Iterator[str]:
    file = store.open(batch.shard_key)
    if file is None:
        yield "missing"
        return
    with file:
        try:
            shard = open_shard_file(file)
            yield from _schema_faults(shard, run, store.uri, batch)
            yield from _row_faults(shard, batch, audit)
        except DAMAGED as error:
            yield f"not readable: {quote(error)}"


def _schema_faults(shard: pq.ParquetFile, run: Run, uri: str, batch: Batch) -> Iterator[str]:
    if not shard.schema_arrow.equals(SHARD):
        yield "other columns or types than a shard's"
    made = read_provenance(shard.metadata.metadata)
    for name, value, wanted in (("run", made.run, uri), ("batch", made.batch, batch.id)):
        if value != wanted:
            yield f"made by another {name}"
    if made.models.keys() != Models.model_fields.keys() or not made.sampling:
        yield "made by other models or sampling than it says"
    other = difference(made, run)
    if other:
        yield f"made with {other}"


def _row_faults(shard: pq.ParquetFile, batch: Batch, audit: Audit) -> Iterator[str]:
    if not set(shard.schema_arrow.names) >= NEEDED:
        return
    expected = range(batch.first_row, batch.first_row + batch.rows)
    if shard.metadata.num_rows > 2 * batch.rows:
        yield f"says {shard.metadata.num_rows} rows instead of {batch.rows}"
        return
    seen: list[int | None] = []
    own = agree = True
    for rows in read_rows(shard, shard.schema_arrow.names, AT_ONCE):
        seen += rows["row"].to_pylist()
        audit.by_status.update(rows["status"].to_pylist())
        own = own and set(rows["part"].to_pylist()) == {batch.part}
        agree = agree and _captions_agree(rows)
    audit.rows, audit.duplicates = len(seen), len(seen) - len(set(seen))
    if seen != list(expected) or not own:
        yield f"holds other rows than {expected.start} to {expected.stop - 1}"
    if not agree:
        yield "captions and statuses disagree"


def _captions_agree(rows: pa.RecordBatch) -> bool:
    """Whether the rows that are ok, and no others, have a caption."""
    captioned = pc.is_valid(rows["top_caption"])
    return bool(captioned.equals(pc.equal(rows["status"], Status.OK.value)))

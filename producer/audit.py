"""The audit of one shard: exactly the rows of its batch, made by its run."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.run.manifest import Batch, Run
from common.run.schema import SHARD, Status
from common.store import Store

DAMAGED = (OSError, ValueError, TypeError, AttributeError, KeyError)
"""Exceptions from reading untrusted bytes as a shard."""

REFERENCE = ("name", "revision")
COLUMNS = ["part", "row", "status", "top_caption"]


@dataclass(slots=True)
class ShardAudit:
    """Content and problems of one shard."""

    batch: str
    rows: int = 0
    duplicates: int = 0
    by_status: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def audit_shard(store: Store, run: Run, batch: Batch) -> ShardAudit:
    """Read a shard and compare it with its batch and its run; every fault becomes a problem.

    Raises:
        StoreError: the store cannot be reached.
    """
    audit = ShardAudit(batch.id)
    file = store.open(batch.shard_key)
    if file is None:
        audit.problems.append("missing")
        return audit
    with file:
        try:
            parquet = pq.ParquetFile(file, page_checksum_verification=True)
            audit.problems += _schema_problems(parquet, run, store.uri, batch)
            if set(COLUMNS) <= set(parquet.schema_arrow.names):
                table = parquet.read()  # every column: damage in any of them hides the shard from readers
                table.validate(full=True)
                _read_rows(table, batch, audit)
        except (pa.ArrowException, *DAMAGED) as error:
            audit.problems.append(f"not readable: {' '.join(str(error).split())[:200]}")
    return audit


def _schema_problems(parquet: pq.ParquetFile, run: Run, uri: str, batch: Batch) -> Iterator[str]:
    if not parquet.schema_arrow.equals(SHARD):
        yield "other columns or types than a shard's"
    made = json.loads((parquet.metadata.metadata or {}).get(b"fleet", b"{}"))
    models = {
        name: {"name": ref["name"], "revision": ref["revision"]}
        for name, ref in made.get("models", {}).items()
    }
    wanted = {
        "run": uri,
        "batch": batch.id,
        "models": run.models.model_dump(),
        "sampling": run.sampling.model_dump(mode="json"),
    }
    for name, value in wanted.items():
        if {**made, "models": models}.get(name) != value:
            yield f"made by another {name}"


def _read_rows(table: pa.Table, batch: Batch, audit: ShardAudit) -> None:
    rows = table["row"].to_pylist()
    expected = range(batch.first_row, batch.first_row + batch.rows)
    audit.rows = len(rows)
    audit.duplicates = len(rows) - len(set(rows))
    audit.by_status = Counter(table["status"].to_pylist())
    if rows != list(expected) or set(table["part"].to_pylist()) != {batch.part}:
        audit.problems.append(f"holds other rows than {expected.start} to {expected.stop - 1}")
    unknown = set(audit.by_status) - set(Status)
    if unknown:
        audit.problems.append(f"unknown statuses: {sorted(map(str, unknown))[:5]}")
    captioned = pc.is_valid(table["top_caption"])
    if not captioned.equals(pc.equal(table["status"], Status.OK.value)):
        audit.problems.append("captions and statuses disagree")

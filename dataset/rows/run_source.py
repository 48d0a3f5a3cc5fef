"""A run as the source of a data set: its manifest, and which of its shards are there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from common.errors import FleetError
from common.run.batch import Batch
from common.run.layout import FAILED, SHARDS
from common.run.manifest import Run, read_parts, read_run
from common.settings import S3Settings
from common.store import Store, absolute_uri, open_store
from dataset.errors import BadRunError


@dataclass(frozen=True)
class Source:
    """A run, and its batches by part and row: those with a shard, and how many have none."""

    store: Store
    run: Run
    batches: tuple[Batch, ...]
    sizes: tuple[int, ...]
    """Bytes of each batch's shard."""
    written: tuple[date, ...]
    """Days on which shards were written, ascending, in UTC; none where the store does not say."""
    missing: int
    dead: int
    """Batches without a shard whose failure is recorded; among the missing."""

    @property
    def rows(self) -> int:
        return sum(batch.rows for batch in self.batches)

    def require_complete(self) -> None:
        """Raise `BadRunError` unless every batch has its shard."""
        if self.missing:
            total = self.missing + len(self.batches)
            raise BadRunError(
                f"{self.store.uri}: {self.missing} of {total} batches have no shard"
                f" ({self.dead} dead); run `producer requeue --missing`, or add --allow-incomplete"
            )


def open_source(uri: str, s3: S3Settings) -> Source:
    """The run at `uri`.

    Raises:
        FleetError: there is no run, or it has no parts.
        BadRunError: it holds a shard that is of none of its parts.
    """
    store = open_store(absolute_uri(uri), s3)
    run = read_run(store)
    if run is None:
        raise FleetError(f"{store.uri}: no run here (no run.json); check the address")
    planned = {batch.shard_key: batch for batch in _plan_batches(store, run)}
    if not planned:
        raise FleetError(f"{store.uri}: the run has no parts yet; run `producer enqueue`")
    return _source(store, run, planned)


def open_sources(uris: Sequence[str], s3: S3Settings) -> tuple[Source, ...]:
    """Several runs, the earliest first, that were made alike.

    Raises:
        FleetError: two of them differ in models or sampling, or one is named twice.
    """
    if len({absolute_uri(uri) for uri in uris}) < len(uris):
        raise FleetError("the same --run is given twice; name each run once, the earliest first")
    sources = tuple(open_source(uri, s3) for uri in uris)
    first = sources[0]
    for source in sources[1:]:
        alike = source.run.model_copy(update={"batch_rows": first.run.batch_rows})
        difference = first.run.difference(alike)
        if difference:
            theirs = difference.replace("in the run", f"in {first.store.uri}").replace(
                "here", f"in {source.store.uri}"
            )
            raise FleetError(f"mixed runs: {theirs}; merge them apart")
    return sources


def _plan_batches(store: Store, run: Run) -> Iterator[Batch]:
    for part in read_parts(store):
        yield from part.batches(run.batch_rows)


def _source(store: Store, run: Run, planned: dict[str, Batch]) -> Source:
    found = {entry.key: entry for entry in store.list(SHARDS) if entry.key.endswith(".parquet")}
    stray = min(found.keys() - planned.keys(), default=None)
    if stray is not None:
        raise BadRunError(f"{store.uri}/{stray}: of no part of this run; mixed runs? move it away")
    there = sorted(found, key=lambda key: (planned[key].part, planned[key].first_row))
    failed = {entry.key.removeprefix(f"{FAILED}/").removesuffix(".json") for entry in store.list(FAILED)}
    missing = [batch for key, batch in planned.items() if key not in found]
    return Source(
        store=store,
        run=run,
        batches=tuple(planned[key] for key in there),
        sizes=tuple(found[key].size for key in there),
        written=tuple(sorted({entry.modified.date() for entry in found.values() if entry.modified})),
        missing=len(missing),
        dead=sum(batch.id in failed for batch in missing),
    )

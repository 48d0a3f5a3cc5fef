"""A merge from end to end: scan, decide, write; every finished file stays, whatever happens next."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from common import __version__
from common.console.progress import progress
from common.errors import FleetError
from common.run.schema import OURS, PUBLISHED
from common.settings import S3Settings
from common.store import Store, absolute_uri, open_store
from common.store.scratch import scratch
from dataset.card import write_card
from dataset.errors import BadRunError
from dataset.merge.deny_list import digest
from dataset.merge.outcomes import Filters
from dataset.merge.plan import Piece, Plan, decide, pieces
from dataset.merge.scan import NumberedShard, Scan, number_shards, scan
from dataset.merge.write import FileWriter
from dataset.merged import MERGE_KEY, Merged, Recipe, read_merged
from dataset.parallel import ordered_map
from dataset.source import Source, open_sources

WRITERS = 4
"""Files written at once at most; each holds one row group in memory."""


@dataclass(frozen=True)
class Options:
    """How to merge."""

    part_size: int = 500_000_000
    keep_columns: bool = False
    compression: str = "zstd"
    allow_incomplete: bool = False
    filters: Filters = field(default_factory=Filters)

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([*PUBLISHED, *OURS]) if self.keep_columns else PUBLISHED


def merge(runs: Sequence[str], output: str, options: Options, s3: S3Settings) -> Merged:
    """Merge runs, the earliest first, into the data set at `output`; again after a kill, to the same bytes.

    Raises:
        FleetError: the runs do not fit together, or `output` holds another merge.
        BadRunError: a run is incomplete, or a shard is bad.
        StoreError: a disk is full, or a store fails.
    """
    sources = open_sources(runs, s3)
    if not options.allow_incomplete:
        for source in sources:
            source.require_complete()
    if not any(source.batches for source in sources):
        raise BadRunError(f"{sources[0].store.uri}: no shard yet; start workers and see `producer status`")
    store = open_store(absolute_uri(output), s3)
    recipe = _recipe(sources, options)
    found = _same_merge(store, recipe)
    with scratch(store) as folder:
        if found is None or not _finished(store, found):
            found = _merge(number_shards(sources), recipe, options, store, folder)
        write_card(store, found, s3)
    return found


def _recipe(sources: Sequence[Source], options: Options) -> Recipe:
    digested = hashlib.sha256()
    for source in sources:
        for batch, size in zip(source.batches, source.sizes, strict=True):
            digested.update(f"{batch.shard_key} {batch.rows} {size}\n".encode())
    filters = options.filters
    return Recipe(
        runs=tuple(source.store.uri for source in sources),
        shards=digested.hexdigest(),
        missing_batches=sum(source.missing for source in sources),
        min_similarity=filters.min_similarity,
        deny_list=digest(filters.deny_list) if filters.deny_list else None,
        keep_columns=options.keep_columns,
        part_size=options.part_size,
        compression=options.compression,
        pyarrow=pa.__version__,
        version=__version__,
    )


def _same_merge(store: Store, recipe: Recipe) -> Merged | None:
    found = read_merged(store)
    if found is not None:
        difference = found.recipe.difference(recipe)
        if difference:
            raise FleetError(f"{store.uri}: holds another merge ({difference}); give another --output")
    return found


def _finished(store: Store, merged: Merged) -> bool:
    return all(store.exists(key) for key in merged.keys)


def _merge(
    shards: Sequence[NumberedShard], recipe: Recipe, options: Options, store: Store, folder: Path
) -> Merged:
    scanned = scan(shards, options.filters, options.schema, folder / "rows")
    plan = decide(scanned, len(shards), folder / "dropped")
    merged = _record(shards, scanned, plan, recipe)
    if not store.create(MERGE_KEY, merged.to_json()) and read_merged(store) != merged:
        raise FleetError(f"{store.uri}/{MERGE_KEY}: tells of another merge; give another --output")
    writer = FileWriter(shards, plan, merged, options.schema)
    _write_files(writer, pieces(plan.kept, merged.file_rows), store, folder)
    return merged


def _record(shards: Sequence[NumberedShard], scanned: Scan, plan: Plan, recipe: Recipe) -> Merged:
    run = shards[0].source.run
    return Merged(
        recipe=recipe,
        models=run.models,
        dtypes={role: tuple(sorted(dtypes)) for role, dtypes in scanned.dtypes.items()},
        sampling=run.sampling,
        counts=plan.counts,
        file_rows=tuple(plan.files(scanned.row_bytes, recipe.part_size)),
    )


def _write_files(writer: FileWriter, files: Sequence[Sequence[Piece]], store: Store, folder: Path) -> None:
    def write(key: str, wanted: Sequence[Piece]) -> None:
        if store.exists(key):
            advance(sum(piece.rows for piece in wanted))
            return
        path = folder / Path(key).name
        writer.write(path, wanted, advance)
        store.create_file(key, path)
        path.unlink()

    jobs = list(zip(writer.merged.keys, files, strict=True))
    threads = min(WRITERS, len(jobs), os.cpu_count() or 1)
    with progress("writing rows", writer.merged.counts.rows_out) as advance:
        for _ in ordered_map(lambda job: write(*job), jobs, threads):
            pass

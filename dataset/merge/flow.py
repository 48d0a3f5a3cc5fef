"""A merge from end to end: scan, decide, write; every finished file stays, whatever happens next."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from common import __version__
from common.errors import FleetError
from common.progress import progress
from common.settings import S3Settings
from common.store import Store, absolute_uri, open_store
from common.store.scratch import scratch
from dataset.card import write_card
from dataset.data_file import require_files
from dataset.data_writer import data_schema, write_data_file
from dataset.errors import BadRunError
from dataset.merge.deny_list import digest
from dataset.merge.outcomes import Filters
from dataset.merge.plan import Piece, Plan, decide, pieces
from dataset.merge.scan import NumberedShard, Scan, number_shards, scan
from dataset.merge.write import PieceReader
from dataset.merged import (
    MERGE_KEY,
    DataFile,
    Merged,
    Recipe,
    data_key,
    file_origin,
    read_merged,
    require_own_files,
)
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
        return data_schema(keep_columns=self.keep_columns)


def merge(runs: Sequence[str], output: str, options: Options, s3: S3Settings) -> Merged:
    """Merge runs, the earliest first, into the data set at `output`; again after a kill, to the same bytes.

    Raises:
        FleetError: the runs do not fit together, or `output` holds something else.
        BadRunError: a run is incomplete, a shard is bad, or no row is left.
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
    there = require_own_files(store, found)
    if found is not None:
        require_files(store, [file for file in found.files if file.key in there], s3)
    with scratch(store) as folder:
        if found is None or not there.issuperset(found.keys):
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


def _merge(
    shards: Sequence[NumberedShard], recipe: Recipe, options: Options, store: Store, folder: Path
) -> Merged:
    scanned = scan(shards, options.filters, options.schema, folder / "rows")
    plan = decide(scanned, len(shards), folder / "dropped")
    if not plan.counts.rows_out:
        raise BadRunError(f"{recipe.runs[0]}: no row is left ({plan.counts.sentence()}); nothing was written")
    merged = _record(shards, scanned, plan, recipe)
    if not store.create(MERGE_KEY, merged.to_json()) and read_merged(store) != merged:
        raise FleetError(f"{store.uri}/{MERGE_KEY}: tells of another merge; give another --output")
    reader = PieceReader(shards, plan, options.schema)
    _write_files(merged, reader, pieces(plan.kept, [file.rows for file in merged.files]), store, folder)
    return merged


def _record(shards: Sequence[NumberedShard], scanned: Scan, plan: Plan, recipe: Recipe) -> Merged:
    run = shards[0].source.run
    rows = plan.files(scanned.row_bytes, recipe.part_size)
    keys = [data_key(number, len(rows)) for number in range(len(rows))]
    days = [day for shard in shards for day in shard.source.written]
    return Merged(
        recipe=recipe,
        models=run.models,
        dtypes={role: tuple(sorted(dtypes)) for role, dtypes in scanned.dtypes.items()},
        sampling=run.sampling,
        fetched=(min(days), max(days)) if days else None,
        counts=plan.counts,
        files=tuple(
            DataFile(key=key, rows=n, origin=file_origin(recipe.digest, key, n))
            for key, n in zip(keys, rows, strict=True)
        ),
    )


def _write_files(
    merged: Merged, reader: PieceReader, files: Sequence[Sequence[Piece]], store: Store, folder: Path
) -> None:
    def write(file: DataFile, wanted: Sequence[Piece]) -> None:
        if store.exists(file.key):
            advance(file.rows)
            return
        path = folder / Path(file.key).name
        write_data_file(path, file, merged, reader.rows(wanted), advance)
        store.create_file(file.key, path)
        path.unlink()

    jobs = list(zip(merged.files, files, strict=True))
    threads = min(WRITERS, len(jobs), os.cpu_count() or 1)
    with progress("writing rows", merged.counts.rows_out) as advance:
        for _ in ordered_map(lambda job: write(*job), jobs, threads):
            pass

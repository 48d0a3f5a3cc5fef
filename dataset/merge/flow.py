"""A merge from end to end: scan, plan, write; finished files survive a kill."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from common.errors import FleetError
from common.settings import S3Settings
from common.store import absolute_uri, open_store
from common.store.scratch import scratch
from dataset.card.card import update_card
from dataset.errors import BadRunError
from dataset.files.data_file import require_files
from dataset.files.folder import read_merged, require_own_files
from dataset.files.keys import MERGE_KEY, NEXT_KEY, data_key
from dataset.files.merged import DataFile, Merged
from dataset.files.recipe import Recipe, file_origin
from dataset.files.rewrite import FreshFile, write_files
from dataset.merge.increment import extend, require_extension
from dataset.merge.job import Job
from dataset.merge.numbered_shard import number_shards
from dataset.merge.plan import cut, decide, pieces
from dataset.merge.recipe import Options, make_recipe
from dataset.merge.record import make_record
from dataset.merge.scan import scan
from dataset.merge.write import PieceReader
from dataset.rows.run_source import Source, open_sources
from dataset.version import clean_up, read_next

__all__ = ["Options", "merge"]


def merge(runs: Sequence[str], output: str, options: Options, s3: S3Settings) -> Merged:
    """Merge runs, the earliest first, into the data set at `output`; again after a kill, to the same bytes.

    Raises:
        FleetError: the runs do not fit together, or `output` holds something else.
        BadRunError: a run is incomplete, a shard is bad, or no row is left.
        StoreError: a disk is full, or a store fails.
    """
    sources = open_sources(runs, s3)
    _require_shards(sources, options)
    store = open_store(absolute_uri(output), s3)
    job = Job(number_shards(sources), make_recipe(sources, options), options, store, s3)
    found = read_merged(store)
    there = require_own_files(store, found, read_merged(store, NEXT_KEY))
    if found is None:
        return _merge(job)
    if found.recipe.difference(job.recipe):
        return _extend(job, found, sources)
    return _finish(job, found, there)


def _require_shards(sources: Sequence[Source], options: Options) -> None:
    if not options.allow_incomplete:
        for source in sources:
            source.require_complete()
    if not any(source.batches for source in sources):
        raise BadRunError(f"{sources[0].store.uri}: no shard yet; start workers and see `producer status`")


def _finish(job: Job, found: Merged, there: set[str]) -> Merged:
    """Resume the same merge."""
    require_files(job.store, [file for file in found.files if file.key in there], job.s3)
    if not there.issuperset(found.keys):
        return _merge(job)
    if read_next(job.store, found):
        raise FleetError(
            f"{job.store.uri}/{NEXT_KEY}: a change of this data set is unfinished; run that one again first"
        )
    with scratch(job.store):  # deletes the files of a killed merge
        clean_up(job.store, found, job.s3)
    return found


def _extend(job: Job, found: Merged, sources: Sequence[Source]) -> Merged:
    require_extension(job, found, sources)
    if read_next(job.store, found) is None:
        clean_up(job.store, found, job.s3)
    with scratch(job.store) as folder:
        return extend(job, found, folder)


def _merge(job: Job) -> Merged:
    with scratch(job.store) as folder:
        merged = _write(job, folder)
        update_card(job.store, merged, job.s3)
    return merged


def _write(job: Job, folder: Path) -> Merged:
    wanted, recipe = job.options.wanted, job.recipe
    scanned = scan(job.shards, wanted, folder / "rows")
    plan = decide(scanned, len(job.shards), job.options.thinning, folder)
    if not plan.counts.rows_out:
        raise BadRunError(f"{recipe.runs[0]}: no row is left ({plan.counts.sentence()}); nothing was written")
    rows = cut(plan.kept, scanned.row_bytes, recipe.part_size)
    record = make_record(job.shards, scanned, plan.counts, recipe, wanted.filters.deny_list)
    merged = record.model_copy(update={"files": _files(rows, recipe)})
    if not job.store.create(MERGE_KEY, merged.to_json()) and read_merged(job.store) != merged:
        raise FleetError(f"{job.store.uri}/{MERGE_KEY}: tells of another merge; give another --output")
    reader = PieceReader(job.shards, plan, wanted.schema)
    some = zip(merged.files, pieces(plan.kept, rows), strict=True)
    new = [FreshFile(file, partial(reader.rows, piece)) for file, piece in some]
    write_files(job.store, merged, new, folder, job.s3)
    return merged


def _files(rows: Sequence[int], recipe: Recipe) -> tuple[DataFile, ...]:
    keys = [data_key(number, len(rows)) for number in range(len(rows))]
    return tuple(
        DataFile(key=key, rows=n, origin=file_origin(recipe.digest, key, n))
        for key, n in zip(keys, rows, strict=True)
    )

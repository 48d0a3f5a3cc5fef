"""An incremental merge: files are added, and only files with superseded rows are rewritten."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from common.errors import FleetError
from dataset.files.data_file import require_files
from dataset.files.kept_file import KeptFile
from dataset.files.merged import DataFile, Merged
from dataset.files.recipe import file_origin
from dataset.files.rewrite import FreshFile, NewFile, write_files
from dataset.merge.earlier import Earlier, scan_files
from dataset.merge.job import Job
from dataset.merge.plan import Plan, cut, decide, pieces
from dataset.merge.recipe import digest_batches
from dataset.merge.record import make_record
from dataset.merge.scan import Scan, scan
from dataset.merge.write import PieceReader
from dataset.rows.run_source import Source
from dataset.version import added_key, begin, commit, rewritten_key

GROWS = frozenset({"runs", "shards", "missing_batches", "pyarrow", "version"})
"""Fields in which the recipe of a later merge may differ."""


@dataclass(frozen=True)
class Increment:
    """The additions and removals of a later merge."""

    job: Job
    found: Merged
    """The version that stands."""
    scanned: Scan
    earlier: Earlier
    plan: Plan
    fresh: list[int]
    """[shards] rows that each adds."""

    @property
    def version(self) -> int:
        return self.found.version + 1

    def added_files(self) -> list[DataFile]:
        """New files, of rows that only new shards hold."""
        rows = cut(self.fresh, self.scanned.row_bytes, self.job.recipe.part_size)
        return [self._file(added_key(i, len(rows), self.version), n) for i, n in enumerate(rows)]

    def rewritten_files(self) -> dict[int, DataFile | None]:
        """Files that lose rows, by number: None where no row is left."""
        return {number: self._rewritten_file(number) for number in sorted(self.earlier.lost_rows)}

    def _rewritten_file(self, number: int) -> DataFile | None:
        file = self.found.files[number]
        rows = file.rows - self.earlier.lost_rows[number]
        return self._file(rewritten_key(file.key, self.version), rows) if rows else None

    def _file(self, key: str, rows: int) -> DataFile:
        return DataFile(key=key, rows=rows, origin=file_origin(self.job.recipe.digest, key, rows))

    def record(self) -> Merged:
        """The next version."""
        job, rewritten = self.job, self.rewritten_files()
        kept = (rewritten.get(number, file) for number, file in enumerate(self.found.files))
        deny_list = job.options.filters.deny_list
        record = make_record(job.shards, self.scanned, self.plan.counts, job.recipe, deny_list)
        return record.model_copy(
            update={
                "version": self.version,
                "files": (*(file for file in kept if file), *self.added_files()),
                "retired": tuple(self.found.files[number].key for number in rewritten),
                "withdrawals": self.found.withdrawals,
            }
        )

    def new_files(self) -> Iterator[NewFile]:
        """The files to be written."""
        for number, file in self.rewritten_files().items():
            if file:
                old, store, s3 = self.found.files[number], self.job.store, self.job.s3
                yield KeptFile(file, store, old, ("URL",), partial(self._keeps, number), s3)
        reader = PieceReader(self.job.shards, self.plan, self.job.options.wanted.schema)
        added = self.added_files()
        for file, some in zip(added, pieces(self.fresh, [one.rows for one in added]), strict=True):
            yield FreshFile(file, partial(reader.rows, some))

    def _keeps(self, number: int, rows: pa.RecordBatch, first: int) -> pa.Array:
        lost = self.earlier.lost_positions(number)
        return pc.invert(pc.is_in(pa.arange(first, first + rows.num_rows), value_set=lost))


def require_extension(job: Job, found: Merged, sources: Sequence[Source]) -> None:
    """Raise `FleetError` unless the job extends the earlier merge."""
    same = found.recipe.model_copy(update={name: getattr(job.recipe, name) for name in GROWS})
    difference = same.difference(job.recipe) or _source_difference(found, sources)
    if difference and found.recipe.deny_list != job.recipe.deny_list:
        difference += "; `dataset withdraw` takes rows out"
    if difference:
        raise FleetError(f"{job.store.uri}: holds another merge ({difference}); give another --output")
    if job.recipe.is_thinned:
        raise FleetError(
            f"{job.store.uri}: its rows were chosen among all (dedupe, rows per host, sample), so that none"
            " can be added; give another --output"
        )


def _source_difference(found: Merged, sources: Sequence[Source]) -> str | None:
    if found.sources is None:
        return "version 0.1 made it" if found.recipe.version.startswith("0.1") else "its sources are unknown"
    present = {source.store.uri: source for source in sources}
    for run, parts in found.sources.items():
        if run not in present:
            return f"run {run} there, and not here"
        batches = list(zip(present[run].batches, present[run].sizes, strict=True))
        for name, part in parts.items():
            merged = [sized for sized in batches if sized[0].part == name and part.holds(sized[0])]
            if digest_batches(merged) != part.digest:
                return f"shards of {run}, part {name}, that are gone or changed"
    return None


def extend(job: Job, found: Merged, folder: Path) -> Merged:
    """Add the job's new rows to the data set; returns its new version."""
    require_files(job.store, found.files, job.s3)
    increment = _decide(job, found, folder)
    merged = increment.record()
    if sum(file.rows for file in merged.files) != merged.counts.rows_out:
        raise FleetError(f"{job.store.uri}: its rows are not those of its runs; give another --output")
    begin(job.store, merged)
    write_files(job.store, merged, list(increment.new_files()), folder, job.s3)
    commit(job.store, merged, job.s3)
    return merged


def _decide(job: Job, found: Merged, folder: Path) -> Increment:
    scanned = scan(job.shards, job.options.wanted, folder / "rows")
    files = scan_files(job.store, found.files, scanned.rows.buckets, folder / "files", job.s3)
    before = [found.holds(shard.source.store.uri, shard.batch) for shard in job.shards]
    earlier = Earlier(scanned, pa.array(before, pa.bool_()), files, len(found.files), folder / "lost")
    plan = decide(scanned, len(job.shards), job.options.thinning, folder, earlier.revise)
    earlier.close()
    fresh = [0 if merged else rows for merged, rows in zip(before, plan.kept, strict=True)]
    return Increment(job, found, scanned, earlier, plan, fresh)

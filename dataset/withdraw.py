"""Taking rows back: a version of a data set that lacks exactly the rows that a deny list names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from common.console.progress import progress
from common.deny.deny_list import DenyList
from common.errors import FleetError
from common.settings import S3Settings
from common.store import Store
from common.store.scratch import scratch
from dataset.card.card import update_card
from dataset.deny.canonical import canonical_urls
from dataset.deny.denied import denied_rows
from dataset.files.data_file import open_data_file, require_files
from dataset.files.download import download
from dataset.files.folder import read_merged, require_own_files, require_written
from dataset.files.kept_file import KeptFile
from dataset.files.keys import CARD_KEY, MERGE_KEY
from dataset.files.merged import DataFile, Merged, Withdrawal
from dataset.files.recipe import file_origin
from dataset.files.rewrite import batches, write_files
from dataset.parallel import ordered_map
from dataset.version import begin, clean_up, commit, read_next, rewritten_key

SCANNERS = 2


@dataclass(frozen=True)
class Withdrawn:
    """The result of a withdrawal."""

    merged: Merged
    """The version that stands."""
    rows: int
    files: int
    """Those that were written anew, or are gone."""

    def sentence(self) -> str:
        """In one line."""
        return f"{self.rows:,} rows withdrawn; {self.files:,} files changed, {len(self.merged.files):,} there"


def withdraw(store: Store, deny_list: DenyList, output: Store | None, s3: S3Settings) -> Withdrawn:
    """Take out the rows that `deny_list` names; again after a kill, to the same end.

    Args:
        store: of the data set.
        deny_list: what must go; its entries are written nowhere.
        output: where the new version goes, whole; None makes it in place.
        s3: where S3 is.

    Raises:
        FleetError: no data set, an entry that cannot be applied here, or no row would be left.
    """
    merged = require_written(store)
    following = read_next(store, merged)
    require_own_files(store, merged, following)
    require_files(store, merged.files, s3)
    if following is None:
        clean_up(store, merged, s3)
    job = _Job(store, merged, deny_list, s3)
    lost = job.count_rows()
    if output is not None:
        version = job.next_version(lost, read_merged(output)).model_copy(update={"retired": ()})
        job.write_elsewhere(output, version)
    elif lost or following:
        version = job.next_version(lost, following)
        job.write_in_place(version)
    else:
        version = merged
    return Withdrawn(version, sum(lost.values()), len(lost))


@dataclass(frozen=True)
class _Job:
    store: Store
    merged: Merged
    deny_list: DenyList
    s3: S3Settings

    def count_rows(self) -> dict[int, int]:
        """Rows that each file loses, by its number; files that lose none are absent."""
        self._require_applicable()
        lost: dict[int, int] = {}
        files = self.merged.files
        with progress("looking for rows", sum(file.rows for file in files)) as advance:
            for number, count in enumerate(ordered_map(self._count, files, SCANNERS)):
                if count:
                    lost[number] = count
                advance(files[number].rows)
        return lost

    def _require_applicable(self) -> None:
        if self.deny_list.images and not self.merged.recipe.keep_columns:
            (first, *_) = self.deny_list.images.values()
            raise FleetError(
                f"deny list, line {first.line}: a SHA-256, and the data set has no such column (it was merged"
                " without --keep-columns); name addresses"
            )

    def _count(self, file: DataFile) -> int:
        with open_data_file(self.store, file, self.s3) as parquet:
            return sum(pc.sum(self._is_denied(rows)).as_py() for rows in batches(parquet, self._columns))

    @property
    def _columns(self) -> tuple[str, ...]:
        return ("URL", "sha256") if self.deny_list.images else ("URL",)

    def _is_denied(self, rows: pa.RecordBatch) -> pa.Array:
        images = rows["sha256"] if self.deny_list.images else None
        return denied_rows(self.deny_list, canonical_urls(rows["URL"]), images)

    def _keeps(self, rows: pa.RecordBatch, _: int) -> pa.Array:
        return pc.invert(self._is_denied(rows))

    def next_version(self, lost: Mapping[int, int], begun: Merged | None) -> Merged:
        """The version without the rows; one that was begun keeps its day."""
        rows, counts = sum(lost.values()), self.merged.counts
        if rows == counts.rows_out:
            raise FleetError(f"{self.store.uri}: no row would be left; delete the data set instead")
        left = (self._left(file, lost.get(number, 0)) for number, file in enumerate(self.merged.files))
        counted = {"rows_out": counts.rows_out - rows, "withdrawn": counts.withdrawn + rows}
        return self.merged.model_copy(
            update={
                "version": self.merged.version + 1,
                "files": tuple(file for file in left if file.rows),
                "retired": tuple(self.merged.files[number].key for number in lost),
                "counts": counts.model_copy(update=counted),
                "withdrawals": (*self.merged.withdrawals, Withdrawal(on=self._day(begun), rows=rows)),
            }
        )

    def _left(self, file: DataFile, lost: int) -> DataFile:
        if not lost:
            return file
        key, rows = rewritten_key(file.key, self.merged.version + 1), file.rows - lost
        return DataFile(key=key, rows=rows, origin=file_origin(file.origin, self.deny_list.digest, key, rows))

    def _day(self, begun: Merged | None) -> date:
        if begun is not None and len(begun.withdrawals) == len(self.merged.withdrawals) + 1:
            return begun.withdrawals[-1].on
        return datetime.now(UTC).date()

    def write_in_place(self, version: Merged) -> None:
        """New files, then the record, then the old files go."""
        begin(self.store, version)
        with scratch(self.store) as folder:
            write_files(self.store, version, list(self._new_files(version)), folder, self.s3)
        commit(self.store, version, self.s3)

    def write_elsewhere(self, output: Store, version: Merged) -> None:
        """The whole version in a place of its own, where nothing has to be deleted."""
        require_own_files(output, read_merged(output))
        if not output.create(MERGE_KEY, version.to_json()) and read_merged(output) != version:
            raise FleetError(f"{output.uri}: holds another data set; give another --output")
        with scratch(output) as folder:
            self._copy(output, [file for file in version.files if file in self.merged.files], folder)
            write_files(output, version, list(self._new_files(version)), folder, self.s3)
        output.create(CARD_KEY, self.store.read(CARD_KEY) or b"")
        update_card(output, version, self.s3)

    def _new_files(self, version: Merged) -> Iterator[KeptFile]:
        old = {rewritten_key(file.key, version.version): file for file in self.merged.files}
        for file in version.files:
            if file not in self.merged.files:
                yield KeptFile(file, self.store, old[file.key], self._columns, self._keeps, self.s3)

    def _copy(self, output: Store, files: list[DataFile], folder: Path) -> None:
        """Files that lose nothing, byte for byte."""
        with progress("copying files", len(files)) as advance:
            for file in files:
                if output.exists(file.key):
                    require_files(output, [file], self.s3)
                else:
                    self._copy_file(output, file, folder / Path(file.key).name)
                advance(1)

    def _copy_file(self, output: Store, file: DataFile, path: Path) -> None:
        download(f"{self.store.uri}/{file.key}", path, self.s3)
        output.create_file(file.key, path)
        path.unlink()

"""The rows of a data set that a deny list names."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from common.console.progress import progress
from common.deny.deny_list import DenyList
from common.errors import FleetError
from common.parallel import ordered_map
from common.settings import S3Settings
from common.store import Store
from dataset.deny.canonical import canonical_urls
from dataset.deny.denied import denied_rows
from dataset.files.data_file import open_data_file
from dataset.files.merged import DataFile, Merged
from dataset.files.rewrite import batches

SCANNERS = 2


@dataclass(frozen=True)
class Denials:
    """The entries of a deny list, applied to a version of a data set.

    Args:
        store: of the data set.
        merged: the version.
        deny_list: the entries.
        s3: where S3 is.
    """

    store: Store
    merged: Merged
    deny_list: DenyList
    s3: S3Settings

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the entries are compared with."""
        return ("URL", "sha256") if self.deny_list.images else ("URL",)

    def count_rows(self) -> dict[int, int]:
        """Rows that each file loses, by its number; files that lose none are absent.

        Raises:
            FleetError: an entry cannot be applied to this data set.
        """
        self._require_applicable()
        lost: dict[int, int] = {}
        files = self.merged.files
        with progress("looking for rows", sum(file.rows for file in files)) as advance:
            for number, count in enumerate(ordered_map(self._count, files, SCANNERS)):
                if count:
                    lost[number] = count
                advance(files[number].rows)
        return lost

    def keeps(self, rows: pa.RecordBatch, _: int) -> pa.Array:
        """Whether each row stays."""
        return pc.invert(self._is_denied(rows))

    def _require_applicable(self) -> None:
        if self.deny_list.images and not self.merged.recipe.keep_columns:
            (first, *_) = self.deny_list.images.values()
            raise FleetError(
                f"deny list, line {first.line}: a SHA-256, and the data set has no such column (it was merged"
                " without --keep-columns); name addresses"
            )

    def _count(self, file: DataFile) -> int:
        with open_data_file(self.store, file, self.s3) as parquet:
            return sum(pc.sum(self._is_denied(rows)).as_py() for rows in batches(parquet, self.columns))

    def _is_denied(self, rows: pa.RecordBatch) -> pa.Array:
        images = rows["sha256"] if self.deny_list.images else None
        return denied_rows(self.deny_list, canonical_urls(rows["URL"]), images)

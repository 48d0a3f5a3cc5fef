"""A withdrawal from the first look to the version that stands; again after a kill, to the same end."""

from dataclasses import dataclass

from common.deny.deny_list import DenyList
from common.settings import S3Settings
from common.store import Store
from dataset.files.data_file import require_files
from dataset.files.folder import read_merged, require_own_files, require_written
from dataset.files.merged import Merged
from dataset.version import clean_up, read_next
from dataset.withdraw.denials import Denials
from dataset.withdraw.next_version import next_version
from dataset.withdraw.write import write_elsewhere, write_in_place


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
    """Take out the rows that `deny_list` names.

    Args:
        store: of the data set.
        deny_list: the rows to take out; its entries are written nowhere.
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
    denials = Denials(store, merged, deny_list, s3)
    lost = denials.count_rows()
    version = merged
    if output is not None:
        version = next_version(denials, lost, read_merged(output))
        version = version.model_copy(update={"retired": ()})
        write_elsewhere(denials, version, output)
    elif lost or following:
        version = next_version(denials, lost, following)
        write_in_place(denials, version)
    return Withdrawn(version, sum(lost.values()), len(lost))

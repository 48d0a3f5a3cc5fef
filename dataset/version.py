"""From one version of a data set to the next: new files, then the record, then the old files go.

merge.next.json   written before the first file of the next version: a restart resumes it
its files         under names that no version had
merge.json        replaced: from here on the next version stands
README.md         follows
files of old      deleted, and merge.next.json with them
"""

import re

from common.errors import FleetError
from common.settings import S3Settings
from common.store import Store
from dataset.card.card import update_card
from dataset.files.folder import read_merged
from dataset.files.keys import DATA, MERGE_KEY, NEXT_KEY
from dataset.files.merged import Merged

VERSION_SUFFIX = re.compile(r"(-v\d+)?\.parquet$")


def rewritten_key(key: str, version: int) -> str:
    """A file's key in the version that rewrites it; it keeps its place in the order of names."""
    return VERSION_SUFFIX.sub(f"-v{version}.parquet", key)


def added_key(number: int, total: int, version: int) -> str:
    """The key of a file that a version adds; it comes after all others."""
    return f"{DATA}/train-v{version}-{number:05d}-of-{total:05d}.parquet"


def read_next(store: Store, merged: Merged) -> Merged | None:
    """The version after `merged` that has been begun, or None."""
    following = read_merged(store, NEXT_KEY)
    return None if following == merged else following


def begin(store: Store, following: Merged) -> None:
    """Record the next version; idempotent.

    Raises:
        FleetError: another change has been begun and not finished.
    """
    if not store.create(NEXT_KEY, following.to_json()) and read_merged(store, NEXT_KEY) != following:
        raise FleetError(
            f"{store.uri}/{NEXT_KEY}: another change of this data set is unfinished; run that one again first"
        )


def commit(store: Store, following: Merged, s3: S3Settings) -> None:
    """Make `following`, whose files are all there, the current version."""
    store.replace(MERGE_KEY, following.to_json())
    clean_up(store, following, s3)


def clean_up(store: Store, merged: Merged, s3: S3Settings) -> None:
    """Finish after `merged` has become current; idempotent."""
    update_card(store, merged, s3)
    for key in merged.retired:
        store.delete(key)
    if store.exists(NEXT_KEY):
        store.delete(NEXT_KEY)

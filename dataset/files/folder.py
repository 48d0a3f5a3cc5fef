"""The current version of a data set in a folder, and its files."""

from pydantic import ValidationError

from common.errors import FleetError
from common.store import Store
from dataset.files.keys import DATA, MERGE_KEY, NEXT_KEY
from dataset.files.merged import Merged


def read_merged(store: Store, key: str = MERGE_KEY) -> Merged | None:
    """The merge in `store`, begun or finished, or None where there is none."""
    body = store.read(key)
    if body is None:
        return None
    try:
        return Merged.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise FleetError(f"{store.uri}/{key}: not of ours ({where}: {first['msg']})") from error


def require_written(store: Store) -> Merged:
    """The current version in `store`, also while the next one is being made.

    Raises:
        FleetError: there is none, or files of it are not written yet.
    """
    merged = read_merged(store)
    if merged is None:
        raise FleetError(f"{store.uri}: no merged data set here (no {MERGE_KEY}); run `dataset merge` first")
    there = {entry.key for entry in store.list(DATA)}
    lacking = [key for key in merged.keys if key not in there]
    if lacking:
        raise FleetError(f"{store.uri}/{lacking[0]}: not written yet; run the same command as before again")
    return merged


def require_merged(store: Store) -> Merged:
    """The current version in `store`, with nothing beside it.

    Raises:
        FleetError: there is none, it is not finished, or files that are not of it lie among its own.
    """
    merged = require_written(store)
    if store.exists(NEXT_KEY):
        raise FleetError(
            f"{store.uri}/{NEXT_KEY}: a change of this data set is unfinished; run the same command again"
        )
    require_own_files(store, merged)
    return merged


def require_own_files(store: Store, *versions: Merged | None) -> set[str]:
    """The keys under `data/`, all of them named by one of these versions.

    Raises:
        FleetError: there is another one.
    """
    there = {entry.key for entry in store.list(DATA) if not entry.key.endswith("/")}
    known = {key for version in versions if version for key in (*version.keys, *version.retired)}
    stray = min(there - known, default=None)
    if stray is not None and not known:
        raise FleetError(
            f"{store.uri}/{stray}: no {MERGE_KEY} says what it is; give an --output without data"
        )
    if stray is not None:
        raise FleetError(f"{store.uri}/{stray}: not a file of this data set; move it away")
    return there

"""Done and dead batches of a run, from the output alone."""

from common.run.manifest import FAILED, SHARDS
from common.store import Store


def done_batches(store: Store) -> set[str]:
    """Ids of the batches whose shard exists."""
    return _ids(store, SHARDS, ".parquet")


def dead_batches(store: Store) -> set[str]:
    """Ids of the batches that have a failure record."""
    return _ids(store, FAILED, ".json")


def _ids(store: Store, folder: str, suffix: str) -> set[str]:
    keys = (entry.key for entry in store.list(folder))
    return {key.removeprefix(f"{folder}/").removesuffix(suffix) for key in keys if key.endswith(suffix)}

"""Dead batches of a run, from the output alone."""

from common.run.layout import FAILED
from common.store import Store


def dead_batches(store: Store) -> set[str]:
    """Ids of the batches that have a failure record."""
    keys = (entry.key for entry in store.list(FAILED) if entry.key.endswith(".json"))
    return {key.removeprefix(f"{FAILED}/").removesuffix(".json") for key in keys}

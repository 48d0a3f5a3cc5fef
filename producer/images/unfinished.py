"""Shards that img2dataset has not finished: it writes the statistics of each last."""

from common.archive.img2dataset import LIST, STATS
from producer.images.siblings import Siblings
from producer.useless import UselessPartError


def is_finished(listed: str, siblings: Siblings) -> bool:
    """Whether the statistics of a shard lie beside its list."""
    return siblings.has(listed.removesuffix(LIST) + STATS)


def has_others(listed: str, siblings: Siblings) -> bool:
    """Whether statistics of any shard lie beside a list: img2dataset wrote there."""
    return any(name.endswith(STATS) for name in siblings.beside(listed))


def unfinished(address: str) -> UselessPartError:
    return UselessPartError(
        address, "a shard that img2dataset has not finished", "enqueue it once its _stats.json is there"
    )

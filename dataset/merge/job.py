"""The context of every step of a merge."""

from collections.abc import Sequence
from dataclasses import dataclass

from common.settings import S3Settings
from common.store import Store
from dataset.files.recipe import Recipe
from dataset.merge.numbered_shard import NumberedShard
from dataset.merge.recipe import Options


@dataclass(frozen=True)
class Job:
    """Shards that are to be merged into one data set."""

    shards: Sequence[NumberedShard]
    """Of all runs, in the order of the output."""
    recipe: Recipe
    options: Options
    store: Store
    """Of the data set."""
    s3: S3Settings

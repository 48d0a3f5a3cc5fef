"""The shards of a merge in the order of its output."""

from collections.abc import Sequence
from dataclasses import dataclass

from common.run.batch import Batch
from dataset.rows.run_source import Source


@dataclass(frozen=True)
class NumberedShard:
    """A shard and its place in the order of the output: runs as they were named, then part, then row."""

    number: int
    run: int
    source: Source
    batch: Batch


def number_shards(sources: Sequence[Source]) -> list[NumberedShard]:
    pairs = ((run, source, batch) for run, source in enumerate(sources) for batch in source.batches)
    return [NumberedShard(number, *pair) for number, pair in enumerate(pairs)]

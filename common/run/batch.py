"""A batch: the unit of queueing, and of the output."""

from dataclasses import dataclass

from common.run.layout import SHARDS

MAX_BATCH_ROWS = 10**7
"""What a worker can hold in memory."""
ROW_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Batch:
    """A row range of a part."""

    part: str
    first_row: int
    rows: int

    @property
    def id(self) -> str:
        return batch_id(self.part, self.first_row)

    @property
    def shard_key(self) -> str:
        return f"{SHARDS}/{self.id}.parquet"


def batch_id(part: str, first_row: int) -> str:
    """Stable id from part and first row, never from a counter."""
    return f"{part}/{first_row:0{ROW_DIGITS}d}"

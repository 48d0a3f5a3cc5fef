"""How an attempt at a batch ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from common.run.failure_record import Failure


class End(StrEnum):
    """The ends of an attempt that end its message, too."""

    SETTLED = "settled"  # its shard or its failure record was there
    COMMITTED = "committed"  # this worker wrote the shard
    LATE = "late"  # another worker's shard was first
    DEAD = "dead"  # given up, with a failure record


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome.

    Args:
        end: of the attempt.
        rows: of the shard that was written, by status.
        failure: the record of a dead batch.
    """

    end: End
    rows: Mapping[str, int] = field(default_factory=dict)
    failure: Failure | None = None

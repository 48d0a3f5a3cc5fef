"""The accounting of a merge: every row that went in is in exactly one place."""

from collections import Counter
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from common.schema import Status

DUPLICATE, SUPERSEDED = "duplicate", "superseded"
LOW_SIMILARITY, DENIED = "low_similarity", "denied"
FILTERS = (LOW_SIMILARITY, DENIED)
"""Of the merge's own."""
FILTERED = (str(Status.FILTERED), *FILTERS)


class Counts(BaseModel):
    """Rows by what became of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows_out: int
    duplicates: int
    failures: dict[str, int]
    """By status."""
    filtered: dict[str, int]
    """By filter; `filtered` is the worker's."""
    superseded: int
    """Rows of one run whose outcome in another run was taken; 0 for a single run."""
    withdrawn: int = 0
    """Rows that were published once and were taken back."""

    @property
    def rows_in(self) -> int:
        taken_out = sum(self.failures.values()) + sum(self.filtered.values())
        return self.rows_out + self.duplicates + taken_out + self.superseded + self.withdrawn

    def sentence(self) -> str:
        """The balance in one line."""
        line = (
            f"{self.rows_in:,} rows in = {self.rows_out:,} out + {self.duplicates:,} duplicates"
            f" + {sum(self.failures.values()):,} failures + {sum(self.filtered.values()):,} filtered"
        )
        if self.superseded:
            line += f" + {self.superseded:,} superseded by another run"
        return f"{line} + {self.withdrawn:,} withdrawn" if self.withdrawn else line


def count_fates(fates: Mapping[str, int]) -> Counts:
    """Rows by fate: a status, a filter, DUPLICATE or SUPERSEDED."""
    rest = Counter(fates)
    filtered = {name: rest.pop(name) for name in FILTERED if rest[name]}
    return Counts(
        rows_out=rest.pop(Status.OK, 0),
        duplicates=rest.pop(DUPLICATE, 0),
        superseded=rest.pop(SUPERSEDED, 0),
        filtered=filtered,
        failures={str(status): rest[status] for status in Status if rest[status]},
    )

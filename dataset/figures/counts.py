"""The accounting of a merge: every row that went in is in exactly one place."""

from collections import Counter
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from common.run.status import Status
from common.signs import NAMES, OTHER

DUPLICATE, SUPERSEDED, WITHDRAWN = "duplicate", "superseded", "withdrawn"
OPTED_OUT, DENIED = "opted_out", "denied"
ROW_FILTERS = ("low_similarity", "high_punsafe", "high_pwatermark", "small_width", "small_height")
"""Of the merge's own, by the row's columns alone."""
MANY_OF_HOST, NOT_SAMPLED = "many_of_host", "not_sampled"
REFUSED = {f"{Status.OPT_OUT} {name}": name for name in (*NAMES, OTHER)}
"""The name of the sign by the fate of a row that it refused."""
LISTED = "listed"
"""Filtered by the worker because a list names the address or the image."""
FILTERED = (str(Status.FILTERED), *ROW_FILTERS, DENIED, OPTED_OUT, MANY_OF_HOST, NOT_SAMPLED)
FILTER_MEANING = {
    str(Status.FILTERED): "a rule or a list of the run's took it out",
    "low_similarity": "its best caption is less similar to the image than was asked for",
    "high_punsafe": "more likely unsafe than was asked for",
    "high_pwatermark": "more likely to carry a watermark than was asked for",
    "small_width": "narrower than was asked for",
    "small_height": "lower than was asked for",
    DENIED: "a deny list, or a list of the run's, names its address or image",
    OPTED_OUT: "another fetch of its address was answered with an opt-out",
    MANY_OF_HOST: "its host has as many rows here as were asked for",
    NOT_SAMPLED: "not drawn for the sample",
}


class Counts(BaseModel):
    """Rows by their fate."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows_out: int
    duplicates: int
    failures: dict[str, int]
    """By status."""
    signs: dict[str, int] = Field(default_factory=dict)
    """Those that a sign refused, by its name."""
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
    """Rows by fate: a status, a filter, or one of the words above."""
    rest = Counter(fates)
    rest[str(Status.FILTERED)] += rest.pop(LISTED, 0)
    filtered = {name: rest.pop(name) for name in FILTERED if rest[name]}
    signs = {name: rest.pop(fate) for fate, name in REFUSED.items() if rest[fate]}
    rest[str(Status.OPT_OUT)] += sum(signs.values())
    return Counts(
        rows_out=rest.pop(Status.OK, 0),
        duplicates=rest.pop(DUPLICATE, 0),
        superseded=rest.pop(SUPERSEDED, 0),
        withdrawn=rest.pop(WITHDRAWN, 0),
        filtered=filtered,
        signs=signs,
        failures={str(status): rest[status] for status in Status if rest[status]},
    )

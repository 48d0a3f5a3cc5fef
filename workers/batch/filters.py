"""Rows that the operator does not want: by a deny list, or by thresholds on columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.deny.deny_list import DenyList, parse_deny_list, read_deny_list
from common.errors import FleetError
from common.run.status import Status
from common.settings import FilterSettings
from workers.batch.blocked import Blocked
from workers.batch.outcome import Outcome

Row = Mapping[str, object]
Verdict = tuple[Status, str]
IN_SETTINGS = "FLEET_FILTER_DENY"


class FilterError(FleetError):
    """The filters cannot be applied: this worker's settings are wrong."""

    label = "FilterError"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A bound on one numeric column; a row without a value passes."""

    column: str
    sign: str  # < or >: which side is refused
    bound: float

    def rule(self, row: Row) -> str | None:
        value = row.get(self.column)
        if not isinstance(value, int | float):
            return None
        refused = value < self.bound if self.sign == "<" else value > self.bound
        return f"{self.column} {value:g} {self.sign} {self.bound:g}" if refused else None


class Filters:
    """All of them; a row gets the first rule that refuses it.

    Attributes:
        blocked: images that must not be used.
    """

    def __init__(self, settings: FilterSettings) -> None:
        """Read the deny list.

        Raises:
            FilterError: its file cannot be read, or an entry could not be applied.
        """
        try:
            self._deny = _deny_list(settings)
            self.blocked = Blocked(settings)
        except FleetError as error:
            raise FilterError(str(error)) from error
        self._thresholds = tuple(_thresholds(settings))

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of each list that leaves out anything; lists may change during a run."""
        deny = self._deny.digest if self._deny.entries else None
        lists = {"deny": deny, "block": self.blocked.digest}
        return {name: digest for name, digest in lists.items() if digest is not None}

    def verdict(self, row: Row) -> Verdict | None:
        """`(Status.FILTERED, rule)` for a row to leave out, by its published column names."""
        rules = (threshold.rule(row) for threshold in self._thresholds)
        rule = self._deny.rule(str(row.get("URL") or "")) or next(filter(None, rules), None)
        return None if rule is None else (Status.FILTERED, rule)

    def judge_images(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """The outcomes, those of denied images replaced: an image's digest is known once it is fetched."""
        return [self._judge_image(outcome) for outcome in outcomes]

    def _judge_image(self, outcome: Outcome) -> Outcome:
        denied = self._deny.images and outcome.sha256 in self._deny.images
        return Outcome(Status.FILTERED, "sha256", outcome.sha256) if denied else outcome


def _deny_list(settings: FilterSettings) -> DenyList:
    listed = parse_deny_list(settings.deny, IN_SETTINGS)
    if settings.deny_file is None:
        return listed
    return DenyList((*listed.entries, *read_deny_list(Path(settings.deny_file)).entries))


def _thresholds(settings: FilterSettings) -> Iterable[Threshold]:
    bounds = (
        ("punsafe", ">", settings.max_punsafe),
        ("pwatermark", ">", settings.max_pwatermark),
        ("WIDTH", "<", settings.min_width),
        ("HEIGHT", "<", settings.min_height),
        ("similarity", "<", settings.min_similarity),
    )
    return (Threshold(column, sign, bound) for column, sign, bound in bounds if bound is not None)

"""Rows that the operator does not want: by a deny list, or by thresholds on columns."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from common.errors import FleetError
from common.run.schema import Status
from common.settings import FilterSettings
from workers.batch.deny_list import DenyList

Row = Mapping[str, object]
Verdict = tuple[Status, str]
_Refuses = Callable[[float, float], bool]


class FilterError(FleetError):
    """The filters cannot be applied: this worker's settings are wrong."""


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
    """All of them; a row gets the first rule that refuses it."""

    def __init__(self, settings: FilterSettings) -> None:
        """Read the deny list.

        Raises:
            FilterError: its file cannot be read, or an entry is neither a host nor a pattern.
        """
        try:
            self._deny = DenyList.of([*settings.deny, *_read_entries(settings.deny_file)])
        except (OSError, ValueError) as error:
            where = settings.deny_file or "FLEET_FILTER_DENY"
            raise FilterError(f"{where}: {error}; correct the deny list") from error
        self._thresholds = tuple(_thresholds(settings))

    def verdict(self, row: Row) -> Verdict | None:
        """`(Status.FILTERED, rule)` for a row to leave out, by its published column names."""
        rules = (threshold.rule(row) for threshold in self._thresholds)
        rule = self._deny.rule(str(row.get("URL") or "")) or next(filter(None, rules), None)
        return None if rule is None else (Status.FILTERED, rule)


def _read_entries(file: str | None) -> list[str]:
    return [] if file is None else Path(file).read_text(encoding="utf-8").splitlines()


def _thresholds(settings: FilterSettings) -> Iterable[Threshold]:
    bounds = (
        ("punsafe", ">", settings.max_punsafe),
        ("pwatermark", ">", settings.max_pwatermark),
        ("WIDTH", "<", settings.min_width),
        ("HEIGHT", "<", settings.min_height),
        ("similarity", "<", settings.min_similarity),
    )
    return (Threshold(column, sign, bound) for column, sign, bound in bounds if bound is not None)

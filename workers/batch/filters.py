"""Rows that the operator does not want: a deny list of hosts and URLs, and thresholds on columns."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import translate
from pathlib import Path
from typing import Self

from yarl import URL

from common.errors import FleetError
from common.run.schema import Status
from common.settings import FilterSettings

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


@dataclass(frozen=True, slots=True)
class DenyList:
    """Hosts, each with all its subdomains, and patterns of whole URLs."""

    hosts: frozenset[str]
    patterns: tuple[str, ...]
    any_pattern: re.Pattern[str] | None

    @classmethod
    def of(cls, entries: Iterable[str]) -> Self:
        """From lines: a host (example.com), or a pattern with / or * (*://*.example.com/private/*)."""
        lines = [line for line in (entry.partition("#")[0].strip() for entry in entries) if line]
        patterns = tuple(line for line in lines if "/" in line or "*" in line)
        hosts = frozenset(_canonical(line) for line in lines if line not in patterns)
        joined = "|".join(translate(pattern) for pattern in patterns)
        return cls(hosts, patterns, re.compile(joined, re.IGNORECASE) if patterns else None)

    def rule(self, url: str) -> str | None:
        """What denies the URL: "host example.com" or "url <pattern>"."""
        host = self._denied_host(url) if self.hosts else None
        if host is not None:
            return f"host {host}"
        if self.any_pattern is None or not self.any_pattern.match(url):
            return None
        return "url " + next(p for p in self.patterns if re.match(translate(p), url, re.IGNORECASE))

    def _denied_host(self, url: str) -> str | None:
        try:
            labels = (URL(url.strip()).raw_host or "").rstrip(".").split(".")
        except ValueError:  # the fetcher will say so
            return None
        parents = (".".join(labels[start:]) for start in range(len(labels)))
        return next((parent for parent in parents if parent in self.hosts), None)


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


def _canonical(host: str) -> str:
    try:
        name = URL(f"http://{host}").raw_host
    except ValueError as error:
        raise ValueError(f"deny list: {host!r} is neither a host nor a URL pattern: {error}") from error
    return (name or "").rstrip(".")

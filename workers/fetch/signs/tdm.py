"""The W3C TDM Reservation Protocol (https://www.w3.org/2022/tdmrep/): its header and its file."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from workers.fetch.signs.pattern import PathPattern, normalize_target

_RESERVED = {"1": True, "0": False}
MAX_RULES = 1000


def read_tdm_header(values: Sequence[str]) -> bool | None:
    """Whether the headers reserve the rights; None where they say neither 0 nor 1. The stricter wins."""
    if not values:
        return None
    items = (item.strip(" \t\"'") for value in values for item in value.split(","))
    said = {_RESERVED[item] for item in items if item in _RESERVED}
    return any(said) if said else None


@dataclass(frozen=True)
class TdmRule:
    """One entry of the file: the paths, as they were written, and whether they are reserved."""

    location: str
    is_reserved: bool

    @cached_property
    def pattern(self) -> PathPattern:
        return PathPattern.of(self.location.encode("utf-8", "replace"))


def parse_tdm_file(body: bytes) -> tuple[TdmRule, ...]:
    """The rules of a tdmrep.json, in sequence; none where it is no JSON array."""
    try:
        entries = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(entries, list):
        return ()
    rules = (_rule(entry) for entry in entries[:MAX_RULES])
    return tuple(rule for rule in rules if rule is not None)


def _rule(entry: object) -> TdmRule | None:
    if not isinstance(entry, dict):
        return None
    location, value = entry.get("location"), entry.get("tdm-reservation")
    if not isinstance(location, str):
        return None
    return TdmRule(location, type(value) is int and value == 1)


def find_tdm_rule(rules: Iterable[TdmRule], target: str) -> str | None:
    """The location that reserves a path and query: the first match in sequence counts."""
    path = normalize_target(target)
    first = next((rule for rule in rules if rule.pattern.matches(path)), None)
    return first.location if first is not None and first.is_reserved else None

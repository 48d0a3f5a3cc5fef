"""The rules of a robots.txt for us (RFC 9309), with Content-Usage and Content-Signal."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from common.signs import Family, Honoured
from workers.fetch.signs.content_signal import find_content_signal
from workers.fetch.signs.content_usage import find_content_usage
from workers.fetch.signs.pattern import PathPattern, normalize_target

ALLOW = "Allow"
DISALLOW = "Disallow"
ROBOTS_TXT = "/robots.txt"
_BLANKS = b" \t"
_PREFERENCES: dict[Family, Callable[[str, frozenset[str]], str | None]] = {
    Family.CONTENT_USAGE: find_content_usage,
    Family.CONTENT_SIGNAL: find_content_signal,
}

Line = tuple[str, bytes]
"""A record's name and its value."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One record.

    Args:
        name: of the record.
        pattern: the paths that it speaks about.
        value: the rest of it; of Allow and Disallow the path as it was written.
    """

    name: str
    pattern: PathPattern
    value: bytes


@dataclass(frozen=True)
class RobotsTxt:
    """The rules of a file for us.

    Attributes:
        lines: records of the groups that are ours, in sequence.
        delay: seconds between two requests that they ask for.
        license: address of the terms of the site's content (RSL 1.0), if any.
    """

    lines: tuple[Line, ...] = ()
    delay: float = 0.0
    license: str | None = None

    @cached_property
    def _rules(self) -> list[Rule]:
        """The most specific first; of equals Allow."""
        rules = (_read_rule(name, value) for name, value in self.lines)
        return sorted(rules, key=lambda rule: (-rule.pattern.length, rule.name))

    def find_refusal(self, target: str, honoured: Honoured) -> str | None:
        """The rule that refuses a path and query, in the form of a row's error."""
        if not self.lines or target == ROBOTS_TXT:
            return None
        path = normalize_target(target)
        refusals = (self._find_disallow(path, honoured), *self._find_preferences(path, honoured))
        return next((f"robots.txt: {rule}" for rule in refusals if rule is not None), None)

    def _find_disallow(self, path: bytes, honoured: Honoured) -> str | None:
        access = (rule for rule in self._rules if rule.name in {ALLOW, DISALLOW})
        found = next((rule for rule in access if rule.pattern.matches(path)), None)
        if found is None or found.name == ALLOW or not honoured.has(Family.ROBOTS_TXT):
            return None
        return f"{DISALLOW}: {found.value.decode('utf-8', 'replace')}"

    def _find_preferences(self, path: bytes, honoured: Honoured) -> Iterator[str | None]:
        """The longest path counts, of equal ones the strictest."""
        for family, find in _PREFERENCES.items():
            rules = [rule for rule in self._rules if rule.name == family.value and rule.pattern.matches(path)]
            for rule in rules:
                if rule.pattern.length == rules[0].pattern.length:
                    said = find(rule.value.decode("latin-1"), honoured.words(family))
                    yield said and f"{family.value}: {said}"


def _read_rule(name: str, value: bytes) -> Rule:
    if name in {ALLOW, DISALLOW}:
        return Rule(name, PathPattern.of(value), value)
    if not value.startswith(b"/"):
        return Rule(name, PathPattern.of(b"/"), value)
    path, _, rest = value.replace(b"\t", b" ").partition(b" ")
    return Rule(name, PathPattern.of(path), rest.strip(_BLANKS))

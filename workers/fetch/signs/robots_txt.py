"""The rules of a robots.txt for us (RFC 9309), with Content-Usage and Content-Signal."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from common.signs import Family, Honoured
from workers.fetch.signs.content_signal import find_content_signal
from workers.fetch.signs.content_usage import find_content_usage
from workers.fetch.signs.pattern import PathPattern, normalize_target
from workers.fetch.signs.rule_index import Rule, RuleIndex

ALLOW = "Allow"
DISALLOW = "Disallow"
ROBOTS_TXT = "/robots.txt"
MAX_ALIKE = 2000
"""Rules of one beginning, such as /*: they are tried one by one for each address. More forbid everything."""

_BLANKS = b" \t"
_PREFERENCES: dict[Family, Callable[[str, frozenset[str]], str | None]] = {
    Family.CONTENT_USAGE: find_content_usage,
    Family.CONTENT_SIGNAL: find_content_signal,
}

Line = tuple[str, bytes]
"""A record's name and its value."""


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
    def rules(self) -> RuleIndex:
        """Of the lines; to build it takes 10 us for each."""
        return RuleIndex(_read_rule(name, value) for name, value in dict.fromkeys(self.lines))

    def find_refusal(self, target: str, honoured: Honoured) -> str | None:
        """The rule that refuses a path and query, in the form of a row's error."""
        if not self.lines or target == ROBOTS_TXT:
            return None
        if self.rules.most_alike > MAX_ALIKE:
            return f"robots.txt: more than {MAX_ALIKE} rules that begin alike"
        found = self.rules.find(normalize_target(target))
        refusals = (_find_disallow(found, honoured), *_find_preferences(found, honoured))
        return next((f"robots.txt: {rule}" for rule in refusals if rule is not None), None)


def _find_disallow(found: Sequence[Rule], honoured: Honoured) -> str | None:
    rule = next((rule for rule in found if rule.name in {ALLOW, DISALLOW}), None)
    if rule is None or rule.name == ALLOW or not honoured.has(Family.ROBOTS_TXT):
        return None
    return f"{DISALLOW}: {rule.value.decode('utf-8', 'replace')}"


def _find_preferences(found: Sequence[Rule], honoured: Honoured) -> Iterator[str | None]:
    """The longest path counts, of equal ones the strictest."""
    for family, find in _PREFERENCES.items():
        rules = [rule for rule in found if rule.name == family.value]
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

"""The rules of a robots.txt by the beginnings of their patterns: a hostile file has 50,000 of them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from workers.fetch.signs.pattern import PathPattern


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


class RuleIndex:
    """Rules, found by their paths.

    Args:
        rules: in any order.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules: defaultdict[bytes, list[Rule]] = defaultdict(list)
        for rule in rules:
            self._rules[rule.pattern.pieces[0]].append(rule)
        self._lengths = sorted(set(map(len, self._rules)))
        self.most_alike = max(map(len, self._rules.values()), default=0)
        """Rules that share what stands before their first star."""

    def find(self, path: bytes) -> list[Rule]:
        """The rules whose pattern a path matches, the most specific first; of equals Allow.

        Args:
            path: in the spelling of `normalize_target`.
        """
        beginnings = (path[:length] for length in self._lengths if length <= len(path))
        candidates = (rule for beginning in beginnings for rule in self._rules.get(beginning, ()))
        found = [rule for rule in candidates if rule.pattern.matches(path)]
        return sorted(found, key=lambda rule: (-rule.pattern.length, rule.name))

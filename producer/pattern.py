"""Globs over the steps of a path: one grammar for folders, S3 keys and the Hub.

`*`, `?` and `[...]` stand for characters of one step, `**` for any number of steps. All that lies in a folder
that matches is matched too. Names that begin with a dot or an underscore stay out unless a step of the
pattern begins so: Spark, DuckDB and pyarrow agree on that for marks, checksums and unfinished files.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase

WILD = re.compile(r"[*?\[]")
ANY_STEPS = "**"
HIDDEN = (".", "_")

States = frozenset[int]
"""Steps of the pattern that may match next; its length after the last, one more within a matched folder."""


class Match(Enum):
    """How a file is matched."""

    NAMED = "by the pattern itself"
    WITHIN = "in a folder that the pattern matches"
    NOT = "not at all"


@dataclass(frozen=True, slots=True)
class Pattern:
    """The folder where a listing begins, and the wild steps below it; without any, the whole tree."""

    root: str
    steps: tuple[str, ...] = ()

    @classmethod
    def parse(cls, path: str) -> "Pattern":
        steps = path.split("/")
        fixed = next((index for index, step in enumerate(steps) if WILD.search(step)), len(steps))
        wild = steps[fixed:]
        while wild and wild[-1] in {ANY_STEPS, ""}:
            wild.pop()
        return cls("/".join(steps[:fixed]), tuple(wild))

    @property
    def start(self) -> States:
        """Before the first step below the root."""
        return self._skip_any({0})

    def advance(self, states: States, name: str, *, hidden: bool = False) -> States:
        """The states after a step `name`; none where nothing there or below can match.

        Args:
            states: before it.
            name: of a file or folder.
            hidden: take a name that begins with a dot or an underscore like any other.
        """
        end = len(self.steps)
        secret = name.startswith(HIDDEN) and not hidden
        following: set[int] = set() if secret or states.isdisjoint({end, end + 1}) else {end + 1}
        for state in states - {end, end + 1}:
            step = self.steps[state]
            if step == ANY_STEPS:
                following |= set() if secret else {state}
            elif fnmatchcase(name, step) and not (secret and step[0] != name[0]):
                following.add(state + 1)
        return self._skip_any(following)

    def match(self, states: States) -> Match:
        """How the file is matched whose last step led to `states`."""
        end = len(self.steps)
        if end in states and end:
            return Match.NAMED
        return Match.WITHIN if end + 1 in states else Match.NOT

    def _skip_any(self, states: Iterable[int]) -> States:
        """With the states that are reached because `**` may stand for no step."""
        reached = set(states)
        for state, step in enumerate(self.steps):
            if state in reached and step == ANY_STEPS:
                reached.add(state + 1)
        return frozenset(reached)

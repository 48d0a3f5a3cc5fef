"""The parser of robots.txt (RFC 9309), with Crawl-delay and RSL's License.

It keeps the lines of groups that concern us, and no others: who keeps every group stores a hostile file's
rules once for each of its agents.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from common.signs import Family
from workers.fetch.signs.agent import TOKEN, agent_name, product_token
from workers.fetch.signs.robots_txt import ALLOW, DISALLOW, Line, RobotsTxt

MAX_BYTES = 500 << 10
"""That are read of a file (RFC 9309, 2.5)."""

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n?|\n")
_BLANKS = b" \t"
_RULES = {
    b"allow": ALLOW,
    b"disallow": DISALLOW,
    b"content-usage": Family.CONTENT_USAGE.value,
    b"content-signal": Family.CONTENT_SIGNAL.value,
}
"""Records that are rules, and end a list of agents; all others neither end it nor its group."""


@dataclass(slots=True)
class _Group:
    """Groups of the same rank, combined."""

    is_there: bool = False
    lines: list[Line] = field(default_factory=list)
    delay: float = 0.0


class _Parser:
    """Reads records one by one."""

    def __init__(self, kin: Sequence[str]) -> None:
        self._kin = frozenset(token.lower() for token in kin)
        self._ours, self._kins, self._everybodys = self._ranks = _Group(), _Group(), _Group()
        self._current: list[_Group] = []
        self._is_naming = self._is_in_group = False
        self._outside: list[Line] = []
        self._license: str | None = None

    def read(self, name: bytes, value: bytes) -> None:
        """Take one record, its name in small letters."""
        if name == b"user-agent":
            self._read_agent(value.decode("latin-1"))
        elif name in _RULES:
            self._is_naming = False
            self._read_rule(_RULES[name], value)
        elif name == b"crawl-delay":
            for group in self._current:
                group.delay = max(group.delay, _seconds(value))
        elif name == b"license" and self._license is None:
            self._license = value.decode("utf-8", "replace")

    def result(self) -> RobotsTxt:
        """The most specific group, and the records outside of groups."""
        group = next((group for group in self._ranks if group.is_there), _Group())
        return RobotsTxt((*self._outside, *group.lines), group.delay, self._license)

    def _read_agent(self, agent: str) -> None:
        if not self._is_naming:
            self._current = []
        self._is_naming = self._is_in_group = True
        group = self._find_group(agent)
        if group is not None and not any(group is other for other in self._current):
            group.is_there = True
            self._current.append(group)

    def _find_group(self, agent: str) -> _Group | None:
        if product_token(agent) == TOKEN:
            return self._ours
        if agent_name(agent) in self._kin:
            return self._kins
        return self._everybodys if agent.split()[:1] == ["*"] else None

    def _read_rule(self, name: str, value: bytes) -> None:
        if not value:  # an empty Disallow forbids nothing
            return
        for group in self._current:
            group.lines.append((name, value))
        if not self._is_in_group and name == Family.CONTENT_SIGNAL.value:  # for everybody
            self._outside.append((name, value))


def parse_robots_txt(body: bytes, kin: Sequence[str] = ()) -> RobotsTxt:
    """The groups of a file that concern us.

    Args:
        body: of the file; only its first 500 KiB are read.
        kin: names of tools with our purpose, whose groups we obey where none names us.
    """
    parser = _Parser(kin)
    for name, value in _records(body[:MAX_BYTES]):
        parser.read(name, value)
    return parser.result()


def _records(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    for line in _LINE_END.split(body.removeprefix(_BOM)):
        name, colon, value = line.partition(b"#")[0].partition(b":")
        if colon:
            yield name.strip(_BLANKS).lower(), value.strip(_BLANKS)


def _seconds(value: bytes) -> float:
    try:
        seconds = float(value)
    except ValueError:
        return 0.0
    return seconds if 0 < seconds < float("inf") else 0.0

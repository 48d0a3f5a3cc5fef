"""A deny list: which addresses and images must not be used, and which of its entries matched nothing."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from common.deny.entry import Entry, Kind, parse_entry
from common.errors import FleetError
from common.url import canonical_url

HOST_OF = re.compile(r"(\[[^\]]*\]|[^/:]*)")
"""The host at the start of a canonical address."""


@dataclass(frozen=True)
class DenyList:
    """The entries by kind; canonical forms are compared."""

    entries: tuple[Entry, ...]
    matched: set[Entry] = field(default_factory=set, compare=False)
    """Those that matched something so far."""

    @cached_property
    def hosts(self) -> dict[str, Entry]:
        return self._by_value(Kind.HOST)

    @cached_property
    def urls(self) -> dict[str, Entry]:
        return self._by_value(Kind.URL)

    @cached_property
    def images(self) -> dict[str, Entry]:
        return self._by_value(Kind.IMAGE)

    @cached_property
    def patterns(self) -> tuple[tuple[re.Pattern[str], Entry], ...]:
        found = self._by_value(Kind.PATTERN)
        return tuple((re.compile(value, re.IGNORECASE), entry) for value, entry in found.items())

    @cached_property
    def any_pattern(self) -> str:
        """A regular expression of all patterns; the empty text where there is none."""
        return "|".join(f"(?:{pattern.pattern})" for pattern, _ in self.patterns)

    def _by_value(self, kind: Kind) -> dict[str, Entry]:
        return {entry.value: entry for entry in self.entries if entry.kind is kind}

    @property
    def digest(self) -> str:
        """Identity of the list; independent of the order of its lines."""
        values = sorted({f"{entry.kind.value} {entry.value}" for entry in self.entries})
        return hashlib.sha256("\n".join(values).encode()).hexdigest()

    @property
    def unmatched(self) -> list[Entry]:
        """Entries that matched nothing so far, by line."""
        values = {(entry.kind, entry.value) for entry in self.matched}
        return [entry for entry in self.entries if (entry.kind, entry.value) not in values]

    def rule(self, url: str) -> str | None:
        """The entry that denies an address, as "host example.com" or "url <as written>"."""
        try:
            canonical = canonical_url(url)
        except ValueError:  # the fetcher will say so
            return None
        entry = self.find(canonical)
        if entry is None:
            return None
        return f"host {entry.value}" if entry.kind is Kind.HOST else f"url {entry.text}"

    def find(self, canonical: str) -> Entry | None:
        """The first entry that denies a canonical address."""
        entry = self.find_host(_host(canonical)) or self.urls.get(canonical) or self._find_pattern(canonical)
        if entry is not None:
            self.matched.add(entry)
        return entry

    def find_host(self, host: str) -> Entry | None:
        """The entry that denies a host in its canonical form, or one above it."""
        while host and self.hosts:
            if host in self.hosts:
                return self.hosts[host]
            host = host.partition(".")[2]
        return None

    def _find_pattern(self, canonical: str) -> Entry | None:
        if not self.patterns or not self._pattern.fullmatch(canonical):
            return None
        return next(entry for pattern, entry in self.patterns if pattern.fullmatch(canonical))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(self.any_pattern, re.IGNORECASE)


def _host(canonical: str) -> str:
    found = HOST_OF.match(canonical)
    return found[0] if found else ""


def parse_deny_list(lines: Iterable[str], source: str) -> DenyList:
    """One entry a line (`common.deny.entry`).

    Args:
        lines: of text.
        source: its name, for errors.

    Raises:
        FleetError: a line could not be applied; its number is named.
    """
    entries: list[Entry] = []
    for number, line in enumerate(lines, 1):
        try:
            entry = parse_entry(line, number)
        except ValueError as error:
            raise FleetError(f"{source}, line {number}: {_reason(error)}; correct it") from error
        if entry is not None:
            entries.append(entry)
    return DenyList(tuple(entries))


def _reason(error: ValueError) -> str:
    return " ".join(str(error).split())[:200] or "no entry"


def read_deny_list(path: Path) -> DenyList:
    """The deny list in a text file.

    Raises:
        FleetError: it cannot be read, or a line could not be applied.
    """
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise FleetError(f"{path}: {error}; a deny list is a text file, one entry a line") from error
    return parse_deny_list(lines, str(path))

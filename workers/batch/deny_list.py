"""Hosts and URLs that the operator does not want to be asked for, compared in canonical form."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import translate
from typing import Self

from common.url import WebUrl, canonical_host, canonical_target, parse_url

_SCHEME = re.compile(r"[\w*?+.\-]*:?//")
_WILDCARDS = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class DenyList:
    """Hosts, each with all its subdomains, and patterns of whole URLs.

    Attributes:
        hosts: as `canonical_host` spells them.
        patterns: by the entry as it was written, what the canonical form of a URL is matched with.
        any_pattern: all of them in one; None without patterns.
    """

    hosts: frozenset[str]
    patterns: dict[str, re.Pattern[str]]
    any_pattern: re.Pattern[str] | None

    @classmethod
    def of(cls, entries: Iterable[str]) -> Self:
        """From lines: a host (example.com), or a pattern with / or * (*://*.example.com/private/*).

        Raises:
            ValueError: an entry is neither.
        """
        lines = [line for line in (entry.partition("#")[0].strip() for entry in entries) if line]
        patterns = {line: translate(_canonical_pattern(line)) for line in lines if set(line) & set("/*")}
        return cls(
            frozenset(_read_host(line) for line in lines if line not in patterns),
            {line: re.compile(pattern, re.IGNORECASE) for line, pattern in patterns.items()},
            re.compile("|".join(patterns.values()), re.IGNORECASE) if patterns else None,
        )

    def rule(self, text: str) -> str | None:
        """What denies the URL: "host example.com" or "url <pattern>"."""
        try:
            url = parse_url(text)
        except ValueError:  # the fetcher says so
            return None
        return self._host_rule(url) or self._pattern_rule(url)

    def _host_rule(self, url: WebUrl) -> str | None:
        labels = url.canonical_host.split(".")
        parents = (".".join(labels[start:]) for start in range(len(labels)))
        return next((f"host {parent}" for parent in parents if parent in self.hosts), None)

    def _pattern_rule(self, url: WebUrl) -> str | None:
        if self.any_pattern is None or not self.any_pattern.match(form := url.canonical):
            return None
        return next(f"url {line}" for line, pattern in self.patterns.items() if pattern.match(form))


def _read_host(line: str) -> str:
    try:
        return canonical_host(line)
    except ValueError as error:
        raise ValueError(f"{line!r} is neither a host nor a URL pattern: {error}") from error


def _canonical_pattern(line: str) -> str:
    """A pattern without its scheme, spelled like the forms that it is matched with."""
    scheme = _SCHEME.match(line)
    rest = line[scheme.end() :] if scheme else line
    host, slash, target = rest.partition("/")
    if not scheme and not slash:
        return canonical_target(rest)
    if "*" not in host:
        slash = "/"  # a URL that is a host alone has this path
    return f"{_canonical_host_pattern(host)}{slash}{canonical_target(target)}"


def _canonical_host_pattern(pattern: str) -> str:
    if pattern.startswith("["):  # IPv6, not a set of characters
        return f"{_read_host(pattern)}{_port(pattern)}".replace("[", "[[]")
    if not set(pattern) & _WILDCARDS:
        return f"{_read_host(pattern)}{_port(pattern)}"
    return ".".join(map(_canonical_label, pattern.split(".")))


def _canonical_label(label: str) -> str:
    if label.isascii():
        return label
    if set(label) & _WILDCARDS:
        raise ValueError(f"a wildcard cannot stand in {label!r}, which is not ASCII")
    return _read_host(label)


def _port(host: str) -> str:
    found = re.search(r":(?!(?:80|443)$)\d+$", host)
    return found[0] if found else ""

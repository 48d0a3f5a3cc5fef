"""Rows that must not be published: by host, by URL, or by the picture's bytes."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from common.errors import FleetError

SHA256 = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)
HOST = re.compile(r"[^\s/?#@:]+(\.[^\s/?#@:]+)+")
URL_HOST = r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#\\]*@)?(?P<host>[^/?#\\:@]*)"


@dataclass(frozen=True)
class DenyList:
    """Hosts (and every host below them), whole URLs, and SHA-256 digests of images."""

    hosts: frozenset[str]
    urls: frozenset[str]
    digests: frozenset[str]

    def denies(self, urls: pa.Array, digests: pa.Array) -> pa.Array:
        """[rows] bool, no null."""
        denied = pc.or_(_is_in(urls, self.urls), _is_in(digests, self.digests))
        return pc.or_(denied, self._denies_host(urls)) if self.hosts else denied

    def _denies_host(self, urls: pa.Array) -> pa.Array:
        """Try each host, then what follows its first dot, and so on: `a.b.c`, `b.c`, `c`."""
        host = pc.struct_field(pc.extract_regex(urls, pattern=URL_HOST), "host")
        host = pc.utf8_rtrim(pc.utf8_lower(pc.fill_null(host, "")), ".")
        denied = _is_in(host, self.hosts)
        while pc.any(pc.not_equal(host, "")).as_py():
            host = pc.replace_substring_regex(host, r"^[^.]*\.?", "")
            denied = pc.or_(denied, _is_in(host, self.hosts))
        return denied


def parse_deny_list(lines: Iterable[str], source: str) -> DenyList:
    """One entry a line; blank lines and those that start with `#` are comments.

    Raises:
        FleetError: a line is none of the three.
    """
    hosts, urls, digests = set(), set(), set()
    for number, line in enumerate(lines, 1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        if SHA256.fullmatch(entry):
            digests.add(entry.lower())
        elif "://" in entry:
            urls.add(entry)
        elif HOST.fullmatch(entry):
            hosts |= _spellings(entry.lower().strip("."))
        else:
            raise FleetError(f"{source}, line {number}: neither a host, a URL nor a SHA-256; correct it")
    return DenyList(frozenset(hosts), frozenset(urls), frozenset(digests))


def digest(deny_list: DenyList) -> str:
    """What tells one list from another, whatever the order of its lines."""
    entries = sorted(deny_list.hosts) + sorted(deny_list.urls) + sorted(deny_list.digests)
    return hashlib.sha256("\n".join(entries).encode()).hexdigest()


def _spellings(host: str) -> set[str]:
    """A host as it is written and as it travels."""
    try:
        return {host, host.encode("idna").decode()}
    except UnicodeError:
        return {host}


def _is_in(values: pa.Array, wanted: frozenset[str]) -> pa.Array:
    return pc.is_in(values, value_set=pa.array(sorted(wanted), pa.string()))

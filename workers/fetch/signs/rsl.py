"""Licences of RSL 1.0 (Really Simple Licensing, https://rslstandard.org/rsl) that a robots.txt names.

A licence refuses where it prohibits a use of ours, permits others only, or asks for payment, or where it has
to be obtained from a server. Document types are refused, so that no entity is expanded.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit
from xml.parsers import expat

from workers.fetch.signs.pattern import PathPattern, normalize_target
from workers.fetch.signs.strict_xml import DocumentTypeError, parse_xml

MAX_CONTENTS = 1_000
MAX_DEPTH = 32
_NAMESPACE = "https://rslstandard.org/rsl"
_OURS = frozenset({"ai-train", "ai-input"})
_EVERY = frozenset({"all", "ai-all"})
_FREE = frozenset({"", "free", "attribution"})
_USAGE = "usage"


class _NotReadError(Exception):
    """The file is nothing that is read."""


@dataclass(frozen=True)
class LicenseRule:
    """The terms of some paths.

    Args:
        path: a pattern, as it was written.
        refusal: why they are not for us; empty where they are.
    """

    path: str
    refusal: str

    @cached_property
    def pattern(self) -> PathPattern:
        return PathPattern.of(self.path.encode("utf-8", "replace"))


def find_license_refusal(rules: Iterable[LicenseRule], target: str) -> str | None:
    """Why the licence of a path and query is not for us.

    The longest pattern counts, of equals the strictest.
    """
    path = normalize_target(target)
    found = [rule for rule in rules if rule.pattern.matches(path)]
    most = max(found, key=lambda rule: (rule.pattern.length, rule.refusal != ""), default=None)
    return most.refusal or None if most is not None else None


def parse_rsl(body: bytes, host: str) -> tuple[LicenseRule, ...]:
    """The terms of a host's paths; none where the file is no RSL.

    Args:
        body: of the file.
        host: in its canonical form, with its port where that is not the usual one.
    """
    reader = _Reader()
    try:
        parse_xml(body, reader)
        return tuple(rule for content in reader.contents for rule in _rules(content, host))
    except (expat.ExpatError, DocumentTypeError, _NotReadError, ValueError):
        return ()


@dataclass(slots=True)
class _License:
    permits: set[str] | None = None
    prohibits: set[str] = field(default_factory=set)
    payment: str = ""

    @property
    def prohibition(self) -> str:
        """The first use of ours that it prohibits."""
        return next((f"prohibits {use}" for use in sorted(self.prohibits & (_OURS | _EVERY))), "")

    @property
    def refusal(self) -> str:
        """Why it is not for us; empty where it is."""
        if self.permits is not None and not self.permits & _EVERY and not self.permits >= _OURS:
            return f"permits {' '.join(sorted(self.permits)) or 'nothing'} only"
        return f"asks payment ({self.payment})" if self.payment not in _FREE else ""


@dataclass(slots=True)
class _Content:
    url: str
    server: str
    licenses: list[_License] = field(default_factory=list)

    @property
    def refusal(self) -> str:
        """Of several licences one suffices, but none may prohibit."""
        if self.server:
            return "a server grants it"
        prohibition = next(filter(None, (one.prohibition for one in self.licenses)), "")
        refusals = [one.refusal for one in self.licenses]
        return prohibition or (refusals[0] if refusals and all(refusals) else "")


def _rules(content: _Content, host: str) -> Iterator[LicenseRule]:
    """The rule of a content of this host; patterns may be paths or whole addresses."""
    address, path = content.url.strip(), content.url.strip()
    if "://" in address or address.startswith("//"):
        parts = urlsplit(address)
        if parts.netloc.lower() != host:
            return
        path = address.partition("//")[2][len(parts.netloc) :]
    yield LicenseRule(path or "/", content.refusal)


class _Reader:
    """The contents of a file; elements of other namespaces are passed over."""

    def __init__(self) -> None:
        self.contents: list[_Content] = []
        self._path: list[str] = []
        self._text: list[str] = []
        self._type = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        local = local if space in {"", _NAMESPACE} else ""
        self._path.append(local)
        if len(self._path) > MAX_DEPTH or len(self.contents) > MAX_CONTENTS:
            raise _NotReadError
        self._text = []
        if local == "content":
            self.contents.append(_Content(attributes.get("url", ""), attributes.get("server", "").strip()))
        elif local == "license" and self.contents:
            self.contents[-1].licenses.append(_License())
        elif local in {"permits", "prohibits", "payment"}:
            self._type = attributes.get("type", "").strip().lower()
            if local == "payment" and self._license is not None:
                self._license.payment = self._type

    def end(self, _: str) -> None:
        local, license_ = self._path.pop(), self._license
        if license_ is not None and self._type == _USAGE and local in {"permits", "prohibits"}:
            uses = set(re.split(r"[\s,]+", "".join(self._text).lower())) - {""}
            if local == "prohibits":
                license_.prohibits |= uses
            else:
                license_.permits = uses | (license_.permits or set())

    def take_text(self, text: str) -> None:
        self._text.append(text)

    @property
    def _license(self) -> _License | None:
        licenses = self.contents[-1].licenses if self.contents else []
        return licenses[-1] if licenses else None

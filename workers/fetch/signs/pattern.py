"""Patterns of paths as RFC 9309 (2.2.2, 2.2.3) defines them, for robots.txt and tdmrep.json alike."""

import re
from dataclasses import dataclass
from typing import Self

_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_NOT_SENT = re.compile(rb"[^!-~]")
"""Characters that a request line cannot hold."""


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A pattern: its pieces between the stars, and whether the last one ends the address.

    Matched by successive `find`, since a regular expression would backtrack without end.

    Attributes:
        length: in octets, wildcards included: the longest match counts.
    """

    pieces: tuple[bytes, ...]
    is_anchored: bool
    length: int

    @classmethod
    def of(cls, text: bytes) -> Self:
        """The pattern of a rule, as it stands in the file."""
        encoded = _encode(text)
        is_anchored = encoded.endswith(b"$")
        stars = encoded[:-1] if is_anchored else encoded
        return cls(tuple(_literal(piece) for piece in stars.split(b"*")), is_anchored, len(encoded))

    def matches(self, path: bytes) -> bool:
        """Whether a path and query lies there, in the spelling of `normalize_target`."""
        first, *rest = self.pieces
        if not path.startswith(first):
            return False
        if not rest:
            return not self.is_anchored or len(path) == len(first)
        return self._find_rest(path, len(first), rest)

    def _find_rest(self, path: bytes, at: int, rest: list[bytes]) -> bool:
        last = rest.pop() if self.is_anchored else b""
        for piece in rest:
            at = path.find(piece, at)
            if at < 0:
                return False
            at += len(piece)
        return path.endswith(last) and len(path) - len(last) >= at


def normalize_target(target: str) -> bytes:
    """A path and query in the one spelling that patterns are compared with."""
    return _literal(_encode(target.encode()))


def _encode(text: bytes) -> bytes:
    """Encode all but ASCII, decode unreserved characters, write hexadecimal digits in capitals."""
    return _PERCENT.sub(_recode, _NOT_SENT.sub(lambda found: b"%%%02X" % found[0][0], text))


def _recode(percent: re.Match[bytes]) -> bytes:
    value = int(percent[1], 16)
    return bytes((value,)) if value in _UNRESERVED else percent[0].upper()


def _literal(piece: bytes) -> bytes:
    """`%2A` and `%24` are the characters themselves."""
    return piece.replace(b"*", b"%2A").replace(b"$", b"%24")

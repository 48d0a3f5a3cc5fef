"""Block lists: files of hashes of images that must not be used, one a line in hexadecimal digits.

An entry of `FLEET_FILTER_BLOCK_FILES` is a path, or `pdq=path`: 32 digits are an MD5, 64 a SHA-256, and in a
file of PDQ hashes 64 are one of those. A line ends at a `#`, a comma or a blank. Nothing written anywhere
tells which entry matched.
"""

import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path

from common.errors import FleetError

_LINE = re.compile(r"([0-9a-fA-F]*)(?:[#,\s].*)?")


class HashKind(Enum):
    """Kinds of hashes."""

    MD5 = "md5"
    SHA256 = "sha256"
    PDQ = "pdq"


_KINDS = {32: HashKind.MD5, 64: HashKind.SHA256}


class Digests:
    """Many digests of one size, sorted, side by side: a set of Python's takes three times the memory."""

    def __init__(self, digests: Iterable[bytes], size: int) -> None:
        self._size = size
        self.body = b"".join(sorted(set(digests)))

    def __len__(self) -> int:
        return len(self.body) // self._size

    def __getitem__(self, index: int) -> bytes:
        return self.body[index * self._size : (index + 1) * self._size]

    def __contains__(self, digest: bytes) -> bool:
        at = bisect_left(self, digest)
        return at < len(self) and self[at] == digest


@dataclass(frozen=True)
class BlockList:
    """All entries of all files."""

    md5: Digests
    sha256: Digests
    pdq: Digests

    @property
    def digest(self) -> str:
        """What tells one list from another, and says nothing of its entries."""
        parts = (self.md5.body, self.sha256.body, self.pdq.body)
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()

    def __bool__(self) -> bool:
        return any(map(len, (self.md5, self.sha256, self.pdq)))


def read_block_list(files: Iterable[str]) -> BlockList:
    """The block list in files; read again only where one changed.

    Raises:
        FleetError: one cannot be read, or a line is no hash; its number is named, and never its text.
    """
    versions = tuple((name, _version(_path(name))) for name in files)
    found: BlockList = _read_all(versions)
    return found


def _path(name: str) -> Path:
    return Path(name.removeprefix("pdq="))


def _version(path: Path) -> tuple[int, int]:
    try:
        state = path.stat()
    except OSError as error:
        raise FleetError(
            f"{path}: {error.strerror}; FLEET_FILTER_BLOCK_FILES names files of hashes"
        ) from error
    return state.st_mtime_ns, state.st_size


@lru_cache(maxsize=1)
def _read_all(files: tuple[tuple[str, tuple[int, int]], ...]) -> BlockList:
    found: dict[HashKind, list[bytes]] = {kind: [] for kind in HashKind}
    for name, _ in files:
        _read_file(_path(name), found, is_pdq=name.startswith("pdq="))
    return BlockList(
        Digests(found[HashKind.MD5], 16),
        Digests(found[HashKind.SHA256], 32),
        Digests(found[HashKind.PDQ], 32),
    )


def _read_file(path: Path, found: dict[HashKind, list[bytes]], *, is_pdq: bool) -> None:
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                digits = _LINE.fullmatch(line.strip())
                if digits is None or (digits[1] and _kind(digits[1], is_pdq=is_pdq) is None):
                    raise FleetError(
                        f"{path}, line {number}: no MD5 or SHA-256, nor PDQ in pdq=path; correct it"
                    )
                if digits[1]:
                    kind = _kind(digits[1], is_pdq=is_pdq) or HashKind.SHA256
                    found[kind].append(bytes.fromhex(digits[1]))
    except (OSError, UnicodeDecodeError) as error:
        raise FleetError(f"{path}: cannot be read as text; it holds one hash a line") from error


def _kind(digits: str, *, is_pdq: bool) -> HashKind | None:
    kind = _KINDS.get(len(digits))
    if is_pdq:
        return HashKind.PDQ if kind is HashKind.SHA256 else None
    return kind

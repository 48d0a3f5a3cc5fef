"""The members of a tar, all of them or an error.

`tarfile` ends quietly where an archive is cut between members, where a header is damaged and where another
archive follows; it follows size fields backwards, and a sparse member is as large as it claims. Here whatever
is not a plain archive of plain files to its last block is an error (POSIX.1-2001, pax; GNU tar).
"""

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from common.archive.header_file import HEADER_BYTES, HeaderFile

BLOCK = tarfile.BLOCKSIZE
TAIL_CHUNK = 1 << 20
COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}


class TarError(ValueError):
    """The archive cannot be read to its end; the message says why, the caller adds the place."""


@dataclass(frozen=True, slots=True)
class Member:
    """A plain file in an archive.

    Args:
        name: as it stands in the archive: to be compared, never to be written to.
        offset: of its first byte in the archive.
        size: in bytes.
    """

    name: str
    offset: int
    size: int


def read_members(file: BinaryIO) -> Iterator[Member]:
    """Every plain file of an uncompressed archive, in order; folders are passed over.

    Args:
        file: seekable; may be read elsewhere between two members.

    Raises:
        TarError: it is cut, damaged or compressed, or holds links, devices or sparse files.
    """
    headers = HeaderFile(file)
    file.seek(0)
    with _tar_errors(file):
        archive = tarfile.open(fileobj=headers, mode="r:", errorlevel=2)  # noqa: SIM115 - `file` is the caller's
        for info in _headers(archive, headers):
            if info.isdir():
                continue
            _require_plain(info)
            yield Member(info.name, info.offset_data, info.size)
        _require_end(file, archive.offset)


def _headers(archive: tarfile.TarFile, headers: HeaderFile) -> Iterator[tarfile.TarInfo]:
    position = -1
    while True:
        headers.begin_member()
        info = archive.next()
        if info is None:
            return
        if info.offset <= position or info.size < 0:
            raise TarError(f"member {info.name[:100]!r} says that it has {info.size} bytes")
        position = info.offset
        yield info
        archive.members.clear()  # type: ignore[attr-defined] # it would keep every header
        _require_few_globals(archive)


def _require_few_globals(archive: tarfile.TarFile) -> None:
    if sum(len(name) + len(value) for name, value in archive.pax_headers.items()) > HEADER_BYTES:
        raise TarError("global headers of over 1 MB")


def _require_plain(info: tarfile.TarInfo) -> None:
    if info.issparse():
        raise TarError(f"member {info.name[:100]!r} is sparse; write the archive anew without --sparse")
    if not info.isreg():
        raise TarError(
            f"member {info.name[:100]!r} is a link or a device; write the archive anew with"
            " --dereference --hard-dereference"
        )


def _require_end(file: BinaryIO, offset: int) -> None:
    """At least one block of zeros, and nothing else behind the last member."""
    file.seek(offset)
    size = 0
    while chunk := file.read(TAIL_CHUNK):
        if chunk.strip(b"\0"):
            raise TarError(f"a damaged header, or another archive, at or behind byte {offset + size}")
        size += len(chunk)
    if size < BLOCK:
        raise TarError(f"cut short at byte {offset + size}")


@contextmanager
def _tar_errors(file: BinaryIO) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, RecursionError, ValueError, OverflowError) as error:
        if isinstance(error, TarError):
            raise
        raise TarError(_reason(file, error)) from error


def _reason(file: BinaryIO, error: Exception) -> str:
    file.seek(0)
    head = file.read(BLOCK)
    for beginning, name in COMPRESSED.items():
        if head.startswith(beginning):
            return f"compressed with {name}; decompress it, images gain nothing from it"
    if not head:
        return "an empty file"
    if isinstance(error, RecursionError):
        return "headers of headers without end"
    return " ".join(str(error).split())[:200] or "damaged"


def is_tar(head: bytes) -> bool:
    """Whether a file that begins with these 512 bytes may be a tar: a header whose checksum is right."""
    try:
        tarfile.TarInfo.frombuf(head[:BLOCK], tarfile.ENCODING, "surrogateescape")
    except tarfile.HeaderError:
        return head[:BLOCK] == bytes(BLOCK)
    return True


def read_whole(file: BinaryIO, member: Member) -> bytes:
    """The bytes of a member.

    Raises:
        TarError: the archive ends before.
    """
    file.seek(member.offset)
    body = file.read(member.size)
    if len(body) != member.size:
        raise TarError(f"cut short within member {member.name[:100]!r}")
    return body

"""The bytes of a list, decompressed as they are read."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pyarrow as pa

from producer.kinds import recognize
from producer.lists.errors import EmptyListError, ListError
from producer.lists.kinds import Kind

HEAD = 1 << 10
BUFFER = 1 << 20
BOM = b"\xef\xbb\xbf"
COMPRESSED = ("a gzip file", "a zstd file")


def open_text(file: BinaryIO, kind: Kind) -> pa.NativeFile:
    """The decompressed bytes of `file`, from its beginning."""
    file.seek(0)
    plain = pa.PythonFile(Borrowed(file), mode="r")
    return pa.CompressedInputStream(plain, kind.compression) if kind.compression else plain


def require_text(file: BinaryIO, kind: Kind) -> None:
    """Check how a list begins.

    Raises:
        EmptyListError: it is empty.
        ListError: it is something else than its name says.
    """
    file.seek(0)
    _require_list(file.read(HEAD), allowed=COMPRESSED if kind.compression else ())
    try:
        head = bytes(open_text(file, kind).read(HEAD))
    except OSError as error:
        raise ListError(f"not a {kind.compression} file, or cut short ({error}); fetch it again") from error
    _require_list(head, allowed=())
    if kind.layout == "jsonl":
        _require_objects(head.removeprefix(BOM).lstrip())


def _require_list(head: bytes, allowed: tuple[str, ...]) -> None:
    found = recognize(head)
    if found is not None and not found.startswith(allowed or "\0"):
        raise ListError(f"not a list but {found}")
    if not head.removeprefix(BOM).strip():
        raise EmptyListError


def _require_objects(head: bytes) -> None:
    """Tell a document from lines of objects: it is an array, or its first line opens an object only."""
    first, end, _ = head.partition(b"\n")
    if head.startswith(b"[") or (end and head.startswith(b"{") and b"}" not in first):
        raise ListError("a JSON document; write one object a line and name it .jsonl")


def read_lines(
    stream: pa.NativeFile, longest: int, *, cr_ends: bool = False
) -> Iterator[tuple[int, bytes | None]]:
    """Each line without its end, with its number from 1 on; None where it is longer than `longest` bytes.

    Args:
        stream: of the whole text.
        longest: bytes of a line.
        cr_ends: whether a carriage return alone ends a line too.
    """
    lines, number = io.BufferedReader(stream, BUFFER), 0
    while line := lines.readline(longest + 2):
        number += 1
        rest = line
        is_cut = len(line) == longest + 2 and not line.endswith(b"\n")
        while is_cut and rest and not rest.endswith(b"\n"):
            rest = lines.readline(longest)
        text = line.removesuffix(b"\n").removesuffix(b"\r")
        text = text.removeprefix(BOM if number == 1 else b"")
        pieces = _split(text, b"\r") if cr_ends and not is_cut else (text,)
        for number, piece in enumerate(pieces, number):  # noqa: B020 - it counts on
            yield number, None if is_cut else piece


def _split(text: bytes, end: bytes) -> Iterator[bytes]:
    """As `bytes.split` does, one at a time: there may be millions."""
    start = 0
    while (found := text.find(end, start)) >= 0:
        yield text[start:found]
        start = found + len(end)
    yield text[start:]


@contextmanager
def lend_text(file: BinaryIO, kind: Kind) -> Iterator["Borrowed"]:
    """The decompressed bytes of `file`, from its beginning, for a reader that reads ahead in a thread.

    That thread may outlive its reader: it reads nothing more once the context ends, so that the next pass has
    the file to itself.
    """
    text = Borrowed(open_text(file, kind))
    try:
        yield text
    finally:
        text.take_back()


class Borrowed:
    """A stream that its reader cannot close, and that remembers the last byte that was no end of a line."""

    closed = False

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self.last_byte = stream, b""
        self._reading, self._is_lent = threading.Lock(), True

    def readable(self) -> bool:
        return True

    def read(self, size: int) -> bytes:
        with self._reading:
            data = self._stream.read(size) if self._is_lent else b""
            self.last_byte = data.rstrip(b"\r\n")[-1:] or self.last_byte
        return data

    def take_back(self) -> None:
        """Wait for the read that goes on; every later one finds the end."""
        with self._reading:
            self._is_lent = False

    def close(self) -> None:
        """The lender closes it."""

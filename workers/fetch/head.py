"""The head of a response, bounded before aiohttp parses it (RFC 9112, 2.1)."""

import re

from common.run.status import Status
from workers.fetch.failure import Failure
from workers.fetch.leniency import is_plain, mend_head

MAX_BYTES = 1 << 18
"""Bytes up to the end of the final head: as many as Chromium takes."""

MAX_INTERIM = 10
"""Informational responses before it (RFC 9110, 15.2); hardly any server sends two."""

_FINAL = re.compile(rb"HTTP/1\.\d [2-5]\d\d ")
_BLANK_LINE = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\nContent-Length: (\d{1,9})\r\n", re.IGNORECASE)
_LINE_ENDS = re.compile(rb"[\r\n]*")
_PROTOCOL = b"HTTP/"
_STATUS = re.compile(rb"HTTP/\d\.\d (\d\d\d)")
_STATUS_BYTES = len(b"HTTP/1.1 200")
_HEAD_END = re.compile(rb"\n\r?\n")
_HEAD_END_BYTES = 3
_SWITCHING_PROTOCOLS = b"101"


class HeadReader:
    """Separates the final head, mended, from the bytes behind it, and drops informational ones.

    Bytes that do not begin like a response pass unchanged: aiohttp's parser reports them.
    """

    __slots__ = ("_buffer", "_interim", "_scanned", "_start")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._start = self._scanned = self._interim = 0

    def feed(self, data: bytes) -> tuple[bytes, bytes] | None:
        """The final head and the bytes behind it; None while it is incomplete.

        Raises:
            Failure: it is too long, or too many informational ones come first.
        """
        if not self._buffer and (usual := _split_usual(data)) is not None:
            return usual
        received = self._append(data)
        while (end := self._find_end(received)) is not None:
            if not self._is_interim(received):
                return mend_head(bytes(received[self._start : end])), bytes(received[end:])
            self._skip_interim(end)
        if len(received) > MAX_BYTES:
            raise Failure(Status.TOO_LARGE, f"more than {MAX_BYTES} bytes before the end of the head")
        if received is not self._buffer:
            self._buffer = bytearray(received)
        return None

    def rest(self) -> bytes:
        """The bytes of an incomplete head."""
        return bytes(self._buffer[self._start :])

    def _append(self, data: bytes) -> bytes | bytearray:
        """All bytes received; mostly one piece, which is not copied."""
        if not self._buffer:
            return data
        self._buffer += data
        return self._buffer

    def _find_end(self, received: bytes | bytearray) -> int | None:
        self._start = _skip(_LINE_ENDS, received, self._start)
        if not _STATUS.match(received, self._start):
            return len(received) if self._is_malformed(received) else None
        end = _HEAD_END.search(received, max(self._start, self._scanned))
        self._scanned = len(received) - _HEAD_END_BYTES + 1
        return end.end() if end else None

    def _is_malformed(self, received: bytes | bytearray) -> bool:
        beginning = bytes(received[self._start : self._start + _STATUS_BYTES])
        return len(beginning) == _STATUS_BYTES or not _PROTOCOL.startswith(beginning[: len(_PROTOCOL)])

    def _is_interim(self, received: bytes | bytearray) -> bool:
        status = _STATUS.match(received, self._start)
        return status is not None and status[1].startswith(b"1") and status[1] != _SWITCHING_PROTOCOLS

    def _skip_interim(self, end: int) -> None:
        self._interim += 1
        self._start = self._scanned = end
        if self._interim > MAX_INTERIM:
            raise Failure(
                Status.CONNECT_ERROR, f"bad response: more than {MAX_INTERIM} informational responses"
            )


def _split_usual(data: bytes) -> tuple[bytes, bytes] | None:
    """A final head that came in one piece; with the bytes behind it, if they are certainly its body."""
    blank = data.find(_BLANK_LINE) if _FINAL.match(data) else -1
    if blank < 0:
        return None
    end = blank + len(_BLANK_LINE)
    head = data[:end]
    length = _LENGTH.search(head) if head.startswith(b"200", len(_PROTOCOL) + 4) else None
    if length is None or not is_plain(head):
        return mend_head(head), data[end:]
    return (data, b"") if len(data) - end <= int(length[1]) else (head, data[end:])


def _skip(pattern: re.Pattern[bytes], received: bytes | bytearray, start: int) -> int:
    found = pattern.match(received, start)
    return found.end() if found else start

"""All bytes that a server sends, counted at the socket.

aiohttp bounds the body that it buffers, but neither chunk extensions nor trailers, empty lines or
informational responses, nor bytes after a response.
"""

import asyncio

from aiohttp import StreamReader
from aiohttp.client_proto import ResponseHandler

from workers.fetch.failure import Failure, describe_broken_response
from workers.fetch.head import HeadReader
from workers.fetch.traffic import Traffic

PIECE = 1 << 16
"""Bytes that are parsed at once: a response may end in them and be followed by thousands of small ones."""


class Meter(asyncio.Protocol):
    """Stands between a transport and aiohttp's protocol, for one response.

    The final head is handed on by itself, the rest once the body's reader is known: so garbage behind a body
    does not spoil the response, and is not parsed.
    """

    def __init__(self, inner: ResponseHandler, transport: asyncio.Transport, traffic: Traffic) -> None:
        self._inner = inner
        self._transport = transport
        self._traffic = traffic
        self._head: HeadReader | None = HeadReader()
        self._waiting: list[bytes] = []
        self._body: StreamReader | None = None

    def data_received(self, data: bytes) -> None:
        """Count the bytes and hand them on, or abort the connection."""
        try:
            self._traffic.spend(len(data))
            rest = data if self._head is None else self._read_head(self._head, data)
        except Failure as failure:
            self._traffic.failure = failure
            self._transport.abort()
        else:
            if rest:
                self._receive_rest(rest)

    def watch(self, body: StreamReader) -> None:
        """Hand on the bytes received behind the head, now that there is a reader."""
        self._body = body
        waiting, self._waiting = self._waiting, []
        for data in waiting:
            self._receive_rest(data)

    def _read_head(self, head: HeadReader, data: bytes) -> bytes:
        pieces = head.feed(data)
        if pieces is None:
            self._inner.start_timeout()  # the read timeout is for silence
            return b""
        self._head = None
        self._inner.data_received(pieces[0])
        return pieces[1]

    def _receive_rest(self, data: bytes) -> None:
        if self._body is None:
            self._waiting.append(data)
            return
        for start in range(0, len(data), PIECE):
            if not self._body.is_eof():
                self._hand_on(data[start : start + PIECE], self._body)
            else:  # no part of this response, nor of the next one
                self._transport.close()

    def _hand_on(self, piece: bytes, body: StreamReader) -> None:
        """Parse a piece of the body.

        aiohttp 3.14 does not tell the reader of a malformed one, which would wait until its timeout.
        """
        self._inner.data_received(piece)
        error = self._inner.exception()
        if body.is_eof():
            if self._inner.should_close:  # something follows
                self._transport.close()
        elif error is not None:
            body.set_exception(describe_broken_response(error))

    def eof_received(self) -> None:
        self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Hand on an incomplete head as well, and a body without a reader."""
        for data in self._waiting if self._head is None else [self._head.rest()]:
            self._inner.data_received(data)
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

"""All bytes that a URL's servers send, counted at the socket.

aiohttp bounds the body that it buffers, but neither chunk extensions nor trailers, empty lines or
informational responses.
"""

import asyncio
from typing import cast

from aiohttp import ClientError, ClientHandlerType, ClientRequest, ClientResponse, StreamReader
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.hdrs import CONNECTION

from common.run.schema import Status
from workers.fetch.failure import RETRY_SECONDS, Failure, classify, describe_broken_response
from workers.fetch.head import MAX_BYTES, HeadReader


class Traffic:
    """The bytes that one URL may still receive, over all its redirects, and their failure.

    Attributes:
        left: bytes.
        failure: the reason why a connection was aborted, if one was.
    """

    __slots__ = ("_body", "_broken", "_limit", "failure", "left")

    def __init__(self, max_body: int) -> None:
        self._limit = self.left = max_body + MAX_BYTES
        self.failure: Failure | None = None
        self._broken: Failure | None = None
        self._body: StreamReader | None = None

    def spend(self, count: int) -> None:
        """Count bytes; raise Failure once there are too many."""
        self.left -= count
        if self.left < 0:
            raise Failure(Status.TOO_LARGE, f"more than {self._limit} bytes, framing and redirects included")

    async def meter(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Client middleware: exactly one attempt of a MeteredRequest, since aiohttp would repeat some."""
        cast("MeteredRequest", request).traffic = self
        self._broken = self._body = None
        try:
            response = await handler(request)
        except ClientError as error:
            raise self.failure or classify(error) from None
        self._watch(response.content)
        return response

    def break_off(self, failure: Failure) -> None:
        """Fail the reader of a malformed body, unless the body was complete before.

        aiohttp 3.14 does not, if the head was parsed earlier: the reader would wait until its timeout.
        """
        if self._body is None:
            self._broken = failure
        elif not self._body.is_eof():
            self._body.set_exception(failure)

    def _watch(self, body: StreamReader) -> None:
        self._body = body
        if self._broken is not None:
            self.break_off(self._broken)

    def require_complete(self) -> None:
        """Raise Failure if the connection was aborted: a body without length seems to end there."""
        if self.failure is not None:
            raise self.failure


class MeteredRequest(ClientRequest):
    """A request whose connection is metered; it is not reused where the request asks to close it."""

    traffic: Traffic

    async def send(self, conn: Connection) -> ClientResponse:
        """As aiohttp does, unless the server has spoken first: that would be taken for the response."""
        protocol, transport = conn.protocol, conn.transport
        if protocol is not None and transport is not None:
            if protocol.should_close:
                raise _unsolicited()
            if self.headers.get(CONNECTION) == "close":
                protocol.force_close()
            transport.set_protocol(Meter(protocol, transport, self.traffic))
        return await super().send(conn)


def _unsolicited() -> Failure:
    return Failure(Status.CONNECT_ERROR, "bad response: bytes before the request", retry_in=RETRY_SECONDS)


class Meter(asyncio.Protocol):
    """Stands between a transport and aiohttp's protocol, for one response.

    The final head is handed on by itself, so that the response stands even if garbage follows its body.
    """

    def __init__(self, inner: ResponseHandler, transport: asyncio.Transport, traffic: Traffic) -> None:
        self._inner = inner
        self._transport = transport
        self._traffic = traffic
        self._head: HeadReader | None = HeadReader()

    def data_received(self, data: bytes) -> None:
        """Hand the bytes on, or abort the connection."""
        try:
            self._traffic.spend(len(data))
            pieces = (data,) if self._head is None else self._read_head(self._head, data)
        except Failure as failure:
            self._traffic.failure = failure
            self._transport.abort()
        else:
            for piece in pieces:
                self._hand_on(piece)

    def _hand_on(self, piece: bytes) -> None:
        if self._inner.exception() is None:
            self._inner.data_received(piece)
            error = self._inner.exception()
            if error is not None:
                self._traffic.break_off(describe_broken_response(error))

    def _read_head(self, head: HeadReader, data: bytes) -> tuple[bytes, ...]:
        self._inner.start_timeout()  # the read timeout is for silence
        pieces = head.feed(data)
        if pieces is None:
            return ()
        self._head = None
        return tuple(filter(None, pieces))

    def eof_received(self) -> None:
        self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Hand on what there is of an incomplete head: aiohttp's error describes it."""
        if self._head is not None and (rest := self._head.rest()):
            self._inner.data_received(rest)
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

"""A body in memory, never longer than allowed, and only where there is room for it."""

import asyncio

from aiohttp import ClientResponse

from common.run.status import Status
from workers.fetch.clock import Clock
from workers.fetch.coding import parse_codings, undo_codings
from workers.fetch.failure import Failure
from workers.fetch.room import SMALL, Room, Rooms


async def read_body(response: ClientResponse, max_bytes: int, rooms: Rooms, clock: Clock) -> bytes:
    """The body without its content codings.

    Args:
        response: whose head was read.
        max_bytes: longest body, with and without its codings.
        rooms: that the body will hold; the wait for them is not the URL's.
        clock: of the URL.

    Raises:
        Failure: it is longer than `max_bytes`; Content-Length may say so early but is never trusted.
    """
    body = await _read(response, max_bytes, rooms.received, clock)
    codings = parse_codings(response.headers.getall("Content-Encoding", ()))
    if not codings:
        return body
    await _take(rooms.expanded, max_bytes, clock)
    body = await asyncio.to_thread(undo_codings, body, codings, max_bytes)
    rooms.received.keep(0)
    rooms.expanded.keep(len(body))
    return body


async def _read(response: ClientResponse, max_bytes: int, room: Room, clock: Clock) -> bytes:
    declared = response.content_length
    if declared is not None and declared > max_bytes:
        raise Failure(Status.TOO_LARGE, f"Content-Length: {declared}")
    chunks: list[bytes] = []
    length, free = 0, SMALL
    if declared is not None and declared > SMALL:
        free = await _take(room, declared, clock)
    async for chunk in response.content.iter_any():
        length += len(chunk)
        if length > max_bytes:
            raise Failure(Status.TOO_LARGE, f"more than {max_bytes} bytes")
        chunks.append(chunk)
        if length > free:
            free = await _take(room, max_bytes, clock)
    room.keep(length)
    return b"".join(chunks)


async def _take(room: Room, count: int, clock: Clock) -> int:
    with clock.pause():
        await room.take(count)
    return count

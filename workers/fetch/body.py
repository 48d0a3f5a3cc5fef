"""A body in memory, never longer than allowed."""

import asyncio

from aiohttp import ClientResponse

from common.run.schema import Status
from workers.fetch.coding import parse_codings, undo_codings
from workers.fetch.failure import Failure


async def read_body(response: ClientResponse, max_bytes: int) -> bytes:
    """The body without its content codings.

    Raises:
        Failure: it is longer than `max_bytes`; Content-Length may say so early but is never trusted.
    """
    body = await _read(response, max_bytes)
    codings = parse_codings(response.headers.getall("Content-Encoding", ()))
    return await asyncio.to_thread(undo_codings, body, codings, max_bytes) if codings else body


async def _read(response: ClientResponse, max_bytes: int) -> bytes:
    declared = response.content_length
    if declared is not None and declared > max_bytes:
        raise Failure(Status.TOO_LARGE, f"Content-Length: {declared}")
    chunks: list[bytes] = []
    left = max_bytes
    async for chunk in response.content.iter_any():
        left -= len(chunk)
        if left < 0:
            raise Failure(Status.TOO_LARGE, f"more than {max_bytes} bytes")
        chunks.append(chunk)
    return b"".join(chunks)

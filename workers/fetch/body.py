"""A body in memory, never longer than allowed."""

from aiohttp import ClientResponse

from common.run.schema import Status
from workers.fetch.failure import Failure


async def read_body(response: ClientResponse, max_bytes: int) -> bytes:
    """The bytes as sent; Content-Length may refuse early but is never trusted."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise Failure(Status.NOT_AN_IMAGE, f"Content-Encoding: {encoding}")
    declared = response.content_length
    if declared is not None and declared > max_bytes:
        raise Failure(Status.TOO_LARGE, f"Content-Length: {declared}")
    chunks: list[bytes] = []
    room = max_bytes
    async for chunk in response.content.iter_any():
        room -= len(chunk)
        if room < 0:
            raise Failure(Status.TOO_LARGE, f"more than {max_bytes} bytes")
        chunks.append(chunk)
    return b"".join(chunks)

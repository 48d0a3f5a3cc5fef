"""Content-Encoding, true and untrue, small and endless."""

import gzip
import time
import tracemalloc
import zlib
from collections.abc import Callable

import pyarrow as pa
import pytest

from common.run.status import Status
from tests.web.server import redirect, reply, serve
from tests.workers.fetch.conftest import Fetching
from workers.fetch import Fetched
from workers.fetch.coding import parse_codings, undo_codings
from workers.fetch.failure import Failure

BODY = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 700


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda body: bytes(pa.compress(body, "brotli", asbytes=True)),
    "zstd": lambda body: bytes(pa.compress(body, "zstd", asbytes=True)),
}


async def fetch(fetching: Fetching, body: bytes, *encodings: str, **settings: object) -> Fetched:
    headers = "".join(f"Content-Encoding: {encoding}\r\n" for encoding in encodings)
    async with serve({"/a": reply(body, headers=headers)}) as web, fetching(**settings) as fetcher:
        return await fetcher.fetch(web.url("/a"))


@pytest.mark.parametrize("coding", ENCODERS)
async def test_known_codings_are_undone(fetching: Fetching, coding: str) -> None:
    for spelling in (coding, coding.upper(), f" {coding} , identity", f"aws-chunked,{coding}"):
        assert await fetch(fetching, ENCODERS[coding](BODY), spelling) == Fetched(Status.OK, body=BODY)


async def test_deflate_without_its_frame_is_undone(fetching: Fetching) -> None:
    assert (await fetch(fetching, raw_deflate(BODY), "deflate")).body == BODY


@pytest.mark.parametrize(
    "token",
    [
        "UTF-8",
        "aws-chunked",
        "none",
        "binary",
        "identity",
        "",
        "image/jpeg",
        "compress",
        "gzip2",
        "é",
        "7bit",
    ],
)
async def test_unknown_tokens_mean_identity(fetching: Fetching, token: str) -> None:
    assert (await fetch(fetching, BODY, token)).body == BODY


@pytest.mark.parametrize("coding", ENCODERS)
@pytest.mark.parametrize(
    "magic", [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\0\1\2\3WEBP", b"", b"BM"]
)
async def test_a_plain_body_stays_what_it_is(fetching: Fetching, coding: str, magic: bytes) -> None:
    body = magic and magic + BODY
    assert (await fetch(fetching, body, coding)).body == body


async def test_codings_are_undone_from_the_last_to_the_first(fetching: Fetching) -> None:
    body = zlib.compress(gzip.compress(BODY))
    assert (await fetch(fetching, body, "gzip, deflate")).body == BODY
    assert (await fetch(fetching, body, "gzip", "deflate")).body == BODY
    twice = gzip.compress(gzip.compress(BODY))
    assert (await fetch(fetching, twice, "gzip, gzip")).body == BODY


async def test_what_follows_a_stream_is_ignored(fetching: Fetching) -> None:
    assert (await fetch(fetching, gzip.compress(BODY) + b"<!-- cached -->", "gzip")).body == BODY


async def test_a_stream_that_was_cut_gives_what_there_is(fetching: Fetching) -> None:
    found = await fetch(fetching, gzip.compress(BODY, 0)[:-5000], "gzip")
    assert found.body
    assert BODY.startswith(found.body)


async def test_a_redirect_needs_no_body_that_can_be_read(fetching: Fetching) -> None:
    moved = redirect("/b").replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\nnot gzip at all")
    async with serve({"/a": moved, "/b": reply(BODY)}) as web, fetching() as fetcher:
        assert (await fetcher.fetch(web.url("/a"))).body == BODY


@pytest.mark.parametrize("coding", ENCODERS)
async def test_the_bound_is_that_of_plain_bodies(fetching: Fetching, coding: str) -> None:
    packed = ENCODERS[coding](BODY)
    assert (await fetch(fetching, packed, coding, max_bytes=len(BODY))).body == BODY
    assert (await fetch(fetching, packed, coding, max_bytes=len(BODY) - 1)).status is Status.TOO_LARGE


@pytest.mark.parametrize("coding", ENCODERS)
def test_bombs_end_at_the_bound(coding: str) -> None:
    bomb = ENCODERS[coding](bytes(60_000_000))
    began = time.process_time()
    tracemalloc.start()
    with pytest.raises(Failure, match="too_large"):
        undo_codings(bomb, parse_codings([coding]), 20_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 25_000_000
    assert time.process_time() - began < 2


def test_bombs_inside_bombs_end_at_the_bound() -> None:
    bomb = gzip.compress(gzip.compress(bytes(60_000_000)))
    with pytest.raises(Failure, match="too_large"):
        undo_codings(bomb, ["gzip", "gzip"], 20_000_000)
    with pytest.raises(Failure, match="more than 5 codings"):
        undo_codings(bomb, ["gzip"] * 6, 20_000_000)


@pytest.mark.parametrize("coding", ["gzip", "zstd", "br"])
def test_a_million_empty_streams_are_no_work(coding: str) -> None:
    bomb = ENCODERS[coding](b"") * 1_000_000
    began = time.process_time()
    undo_codings(bomb, [coding], 20_000_000)
    assert time.process_time() - began < 2

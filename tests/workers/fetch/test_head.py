"""Heads found in pieces of any size, and never more than once."""

import pytest

from workers.fetch.failure import Failure
from workers.fetch.head import MAX_BYTES, HeadReader

OK = b"HTTP/1.1 200 OK\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
HEADS = [
    OK + b"Content-Length: 5\r\n\r\n",
    OK + b"content-length: 4\r\n\r\n",
    OK + b"\r\n",
    b"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.0 302 F\r\nLocation: /a\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\n\r\n",
    b"HTTP/1.1 200 OK\nA: b\n\n",
]


def read(reader: HeadReader, data: bytes, size: int) -> tuple[bytes, bytes] | None:
    for start in range(0, len(data), size):
        found = reader.feed(data[start : start + size])
        if found is not None:
            return found[0], found[1] + data[start + size :]
    return None


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("before", [b"", b"\r\n\r\n", INTERIM, INTERIM * 10])
def test_the_pieces_make_no_difference(head: bytes, before: bytes) -> None:
    for body in (b"", b"abc", b"abcde", b"abcde and more"):
        for size in (1, 2, 3, 7, 50, 1000):
            found = read(HeadReader(), before + head + body, size)
            assert found is not None
            assert b"".join(found) == head + body
            assert found[0] == head or (found[1] == b"" and len(body) <= 5)


def test_garbage_is_never_handed_on_with_the_head() -> None:
    for length in range(12):
        found = HeadReader().feed(OK + f"Content-Length: {length}\r\n\r\n".encode() + b"abcdef")
        assert found is not None
        assert (found[1] == b"") == (length >= 6)
    found = HeadReader().feed(b"HTTP/1.1 204 No\r\nContent-Length: 6\r\n\r\nabcdef")
    assert found is not None
    assert found[1] == b"abcdef"


@pytest.mark.parametrize("data", [b"SSH-2.0-OpenSSH_9.2\r\n", b"<html>", b"HTTP/1.1  200", b"\r\nICY 200 OK"])
def test_what_is_no_response_is_handed_on(data: bytes) -> None:
    for size in (1, 5, 100):
        found = read(HeadReader(), data, size)
        assert found is not None
        assert b"".join(found) == data.lstrip()


@pytest.mark.parametrize(
    "data",
    [INTERIM * 11, b"\r\n" * MAX_BYTES, OK + b"A: " + b"a" * MAX_BYTES, INTERIM + OK + b"a" * MAX_BYTES],
)
def test_what_is_too_much(data: bytes) -> None:
    for size in (1000, len(data)):
        with pytest.raises(Failure):
            read(HeadReader(), data, size)


@pytest.mark.parametrize(
    "data", [b"", b"HTT", b"HTTP/1.1 2", b"\r\n\r", OK, OK + b"A: b\r\n", INTERIM, INTERIM + b"HTTP/1"]
)
def test_what_is_incomplete(data: bytes) -> None:
    reader = HeadReader()
    assert reader.feed(data) is None
    assert reader.rest() in data

"""What becomes of URLs, on real connections."""

import asyncio
import importlib.metadata
import socket
import ssl
import time
from pathlib import Path

import pytest

from common.run.status import Status
from tests.web.certificates import Authority
from tests.web.server import redirect, reply, serve
from tests.workers.fetch.conftest import Fetching
from workers.fetch import Fetched

BODY = b"\xff\xd8\xff image"


async def fetch(fetching: Fetching, page: object, **settings: object) -> Fetched:
    """One URL whose whole answer is `page`."""
    async with serve({"/a": page}) as web, fetching(**settings) as fetcher:  # type: ignore[dict-item]
        return await fetcher.fetch(web.url("/a"))


async def test_a_body_comes_back_as_it_was_sent(fetching: Fetching) -> None:
    assert await fetch(fetching, reply(BODY)) == Fetched(Status.OK, body=BODY)


async def test_a_body_of_several_megabytes_is_whole(fetching: Fetching) -> None:
    body = bytes(range(256)) * 30_000
    assert (await fetch(fetching, reply(body))).body == body


async def test_a_chunked_body_and_one_without_length_are_read_to_their_end(fetching: Fetching) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    assert (await fetch(fetching, chunked)).body == b"abcde"
    assert (await fetch(fetching, b"HTTP/1.1 200 OK\r\n\r\nabcde")).body == b"abcde"


async def test_the_request_says_who_we_are_and_asks_for_plain_bytes(fetching: Fetching) -> None:
    async with serve({"/a": reply(BODY)}) as web, fetching(contact="https://lab.example/bot") as fetcher:
        await fetcher.fetch(web.url("/a"))
    version = importlib.metadata.version("caption-fleet")
    head = web.heads[0]
    assert f"User-Agent: caption-fleet/{version} (+https://lab.example/bot)\r\n" in head
    assert "Accept-Encoding: identity\r\n" in head
    assert "Cookie" not in head
    assert "Authorization" not in head


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (404, "http_4xx"),
        (410, "http_4xx"),
        (304, "http_4xx"),
        (302, "http_4xx"),
        (500, "http_5xx"),
        (599, "http_5xx"),
    ],
)
async def test_every_other_code_is_a_status(fetching: Fetching, code: int, status: str) -> None:
    assert await fetch(fetching, reply(status=f"{code} X")) == Fetched(Status(status), str(code))


async def test_redirects_are_followed_as_often_as_allowed(fetching: Fetching) -> None:
    pages = {"/0": reply(BODY)} | {f"/{n}": redirect(f"/{n - 1}") for n in range(1, 5)}
    async with serve(pages) as web, fetching(max_redirects=3) as fetcher:
        assert (await fetcher.fetch(web.url("/3"))).body == BODY
        assert (await fetcher.fetch(web.url("/4"))).status is Status.TOO_MANY_REDIRECTS


@pytest.mark.parametrize(
    ("location", "status"),
    [
        ("file:///etc/passwd", "blocked"),
        ("ftp://127.0.0.1/a", "blocked"),
        ("data:image/png;base64,AAAA", "blocked"),
        ("http://user:secret@127.0.0.1/", "blocked"),
        ("http://[::1", "invalid_url"),
    ],
)
async def test_a_bad_redirect_is_not_followed(fetching: Fetching, location: str, status: str) -> None:
    assert (await fetch(fetching, redirect(location))).status == status


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("file:///etc/hostname", "blocked"),
        ("ftp://example.com/a.jpg", "blocked"),
        ("data:image/png;base64,AAAA", "blocked"),
        ("javascript:alert(1)", "blocked"),
        ("http://user:secret@example.com/", "blocked"),
        ("", "invalid_url"),
        ("example.com/a.jpg", "invalid_url"),
        ("//example.com/a.jpg", "invalid_url"),
        ("http://", "invalid_url"),
        ("http://[::1/", "invalid_url"),
        ("http://example.com:99999/", "invalid_url"),
        ("http://exam\r\nple.com/", "invalid_url"),
        ("http://example.com/" + "a" * 9000, "invalid_url"),
        ("http://\ud800.com/", "invalid_url"),
        ("http://" + "a" * 300 + ".com/", "dns_error"),
        ("http://nowhere.invalid/", "dns_error"),
        ("http://a b.com/", "invalid_url"),
    ],
)
async def test_every_text_is_a_status(fetching: Fetching, url: str, status: str) -> None:
    async with fetching() as fetcher:
        fetched = await fetcher.fetch(url)
    assert fetched.status == status
    assert fetched.error
    assert len(fetched.error) <= 200
    assert fetched.error.isprintable()


async def test_too_long_a_body_is_refused_by_its_length_or_when_it_comes(fetching: Fetching) -> None:
    declared = b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n"
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000
    for page in (declared, endless):
        assert (await fetch(fetching, page, max_bytes=1000)).status is Status.TOO_LARGE
    assert (await fetch(fetching, reply(b"x" * 1000), max_bytes=1000)).status is Status.OK


async def test_a_body_shorter_than_declared_is_an_error(fetching: Fetching) -> None:
    lying = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort"
    assert (await fetch(fetching, lying)).status is Status.CONNECT_ERROR


async def test_silence_a_drip_and_a_full_backlog_end_in_time(fetching: Fetching) -> None:
    async def silence(_: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(600):
            writer.write(b"x")
            await asyncio.sleep(0.1)

    started = time.monotonic()
    assert await fetch(fetching, silence, read_timeout=0.3) == Fetched(Status.TIMEOUT, "read")
    assert await fetch(fetching, drip, timeout=0.5) == Fetched(Status.TIMEOUT, "total")
    assert time.monotonic() - started < 2


async def test_a_host_that_does_not_accept_is_a_timeout(fetching: Fetching) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf:
        address = deaf.getsockname()
        with socket.create_connection(address):  # fills the backlog
            async with fetching(connect_timeout=0.3) as fetcher:
                fetched = await fetcher.fetch(f"http://127.0.0.1:{address[1]}/")
    assert fetched == Fetched(Status.TIMEOUT, "connect")


async def test_refused_reset_and_garbage_are_connect_errors(fetching: Fetching) -> None:
    async def reset(writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    with socket.socket() as unbound:
        unbound.bind(("127.0.0.1", 0))
        async with fetching() as fetcher:
            fetched = await fetcher.fetch(f"http://127.0.0.1:{unbound.getsockname()[1]}/")
    assert fetched == Fetched(Status.CONNECT_ERROR, "ECONNREFUSED")
    for page in (
        reset,
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ):
        assert (await fetch(fetching, page)).status is Status.CONNECT_ERROR


@pytest.mark.parametrize(
    "head", ["X-A: " + "a" * 1_000_000 + "\r\n", "".join(f"X-{n}: {'a' * 1000}\r\n" for n in range(1000))]
)
async def test_a_megabyte_of_headers_is_too_large(fetching: Fetching, head: str) -> None:
    assert (await fetch(fetching, reply(BODY, headers=head))).status is Status.TOO_LARGE


async def test_cookies_are_never_sent_back(fetching: Fetching) -> None:
    pages = {
        "/a": reply(status="302 Found", headers="Set-Cookie: a=b\r\nLocation: /b\r\n"),
        "/b": reply(BODY),
    }
    async with serve(pages) as web, fetching({"a.test": [["127.0.0.1"]]}) as fetcher:
        assert (await fetcher.fetch(web.url("/a", "a.test"))).status is Status.OK
    assert "cookie" not in web.heads[1].lower()


async def test_neither_proxies_nor_passwords_come_from_the_environment(
    fetching: Fetching, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine a.test login user password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with serve({}) as proxy, serve({"/a": reply(BODY)}) as web:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url(""))
        async with fetching({"a.test": [["127.0.0.1"]]}) as fetcher:
            assert (await fetcher.fetch(web.url("/a", "a.test"))).status is Status.OK
    assert proxy.connections == 0
    assert "authorization" not in web.heads[0].lower()


async def test_a_host_is_asked_by_few_at_once(fetching: Fetching) -> None:
    now, most = 0, 0

    async def count(writer: asyncio.StreamWriter) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        writer.write(reply(BODY))

    async with serve({"/a": count}) as web, fetching(per_host=3) as fetcher:
        fetched = await asyncio.gather(*(fetcher.fetch(web.url("/a")) for _ in range(20)))
    assert {f.status for f in fetched} == {Status.OK}
    assert most == 3


async def test_waiting_for_a_host_does_not_use_up_the_time_of_a_url(fetching: Fetching) -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        writer.write(reply(BODY))

    async with serve({"/a": slow}) as web, fetching(per_host=1, timeout=0.5) as fetcher:
        fetched = await asyncio.gather(*(fetcher.fetch(web.url("/a")) for _ in range(6)))
    assert {f.status for f in fetched} == {Status.OK}


async def test_certificates_are_verified(fetching: Fetching, authority: Authority) -> None:
    names = {name: [["127.0.0.1"]] for name in ("good.test", "other.test")}

    async def over(context: ssl.SSLContext, name: str, client: ssl.SSLContext | None) -> Fetched:
        async with serve({"/a": reply(BODY)}, tls=context) as web, fetching(names, client) as fetcher:
            return await fetcher.fetch(web.url("/a", name))

    good = authority.server("good.test")
    trusting = authority.client()
    assert await over(good, "good.test", trusting) == Fetched(Status.OK, body=BODY)
    assert await over(good, "other.test", trusting) == Fetched(
        Status.TLS_ERROR, "Hostname mismatch, certificate is not valid for 'other.test'."
    )
    assert (await over(good, "good.test", None)).error == "unable to get local issuer certificate"
    expired = authority.server("good.test", days=-1)
    assert await over(expired, "good.test", trusting) == Fetched(Status.TLS_ERROR, "certificate has expired")


async def test_plain_text_behind_https_is_a_tls_error(fetching: Fetching) -> None:
    def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(BODY))
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server, fetching() as fetcher:
        port = server.sockets[0].getsockname()[1]
        assert (await fetcher.fetch(f"https://127.0.0.1:{port}/")).status is Status.TLS_ERROR


async def test_cancelling_a_download_stops_it(fetching: Fetching) -> None:
    async def silence(_: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with serve({"/a": silence}) as web, fetching() as fetcher:
        task = asyncio.create_task(fetcher.fetch(web.url("/a")))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

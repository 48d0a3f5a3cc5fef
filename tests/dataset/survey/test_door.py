"""Connections that send nothing, or only half of a head, keep nobody out."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import uvicorn

from dataset.survey import door
from dataset.survey.database import open_database
from dataset.survey.layout import ANSWERS
from dataset.survey.web.app import make_app
from tests.dataset.survey.surveys import make_survey
from tests.servers.ports import free_ports, wait_for

HALF = b"GET / HTTP/1.1\r\nHost: x\r\nX: "
WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
BODY = b" / HTTP/1.1\r\nHost: x\r\nContent-Length: 60\r\n\r\n"
STYLE = b"GET /static/survey.css HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKS = b"POST /enter HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na"


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server whose heads have half a second."""
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "ANSWER_SECONDS"):
        monkeypatch.setattr(door, name, 0.5)
    survey = make_survey(tmp_path / "survey", 2)
    (port,) = free_ports(1)
    with open_database(tmp_path / "survey" / ANSWERS) as database:
        app = make_app(survey, tmp_path / "survey", database)
        config = uvicorn.Config(
            app, port=port, http=door.DoorProtocol, log_config=None, limit_concurrency=40, loop="asyncio"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        wait_for(port)
        yield port
        server.should_exit = True
        thread.join()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 5)


def status(link: socket.socket) -> bytes:
    """Of one answer, all of which is read."""
    link.sendall(WHOLE)
    answer = link.recv(100_000)
    while b"</html>" not in answer and (more := link.recv(100_000)):
        answer += more
    return answer.split(b" ")[1]


def is_closed(link: socket.socket) -> bool:
    try:
        return link.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("sent", [b"", HALF])
def test_heads_that_do_not_come_are_hung_up_on(port: int, sent: bytes) -> None:
    with ExitStack() as open_links:
        links = [open_links.enter_context(connect(port)) for _ in range(60)]
        for link in links:
            link.sendall(sent)
        assert all(map(is_closed, links))
    with connect(port) as link:
        assert status(link) == b"200"


def test_a_byte_now_and_then_gives_no_more_time(port: int) -> None:
    with connect(port) as link:
        link.sendall(HALF)
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            trickle(link)


@pytest.mark.parametrize("sent", [b"GET" + BODY, b"POST" + BODY, b"POST /enter" + BODY[2:], CHUNKS])
def test_a_body_that_nobody_reads_holds_no_connection(port: int, sent: bytes) -> None:
    with connect(port) as link:
        link.sendall(sent)
        assert link.recv(1)
        link.sendall(b"a")  # so that the connection is not idle
        while link.recv(100_000):
            pass


def test_an_answer_that_nobody_takes_holds_no_connection(port: int) -> None:
    with socket.socket() as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.settimeout(20)
        link.connect(("127.0.0.1", port))
        with pytest.raises(ConnectionError):
            ask_without_end(link)


def ask_without_end(link: socket.socket) -> None:
    while True:
        link.sendall(STYLE)


def trickle(link: socket.socket) -> None:
    for _ in range(40):
        time.sleep(0.1)
        link.sendall(b"x")


def test_a_connection_that_is_kept_serves_one_request_after_the_other(port: int) -> None:
    with connect(port) as link:
        for _ in range(3):
            assert status(link) == b"200"
            time.sleep(0.4)


def test_one_address_has_so_many_connections(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "is_proxy", lambda _: False)
    monkeypatch.setattr(door, "HEAD_SECONDS", 30.0)
    with ExitStack() as open_links:
        links = [open_links.enter_context(connect_served(port)) for _ in range(door.MOST_OF_ADDRESS)]
        assert is_refused(port)
        assert status(links[0]) == b"200"
        links.pop().close()
        assert any(is_served(port) for _ in range(50))


def connect_served(port: int) -> socket.socket:
    """A connection that was counted; the server may still count an earlier one that has ended."""
    for _ in range(50):
        link = connect(port)
        with suppress(ConnectionError, IndexError):
            if status(link) == b"200":
                return link
        link.close()
        time.sleep(0.1)
    raise TimeoutError("no connection was served")


def is_refused(port: int) -> bool:
    """Whether a new connection is closed at once, by an end or by a reset."""
    try:
        with connect(port) as link:
            return is_closed(link)
    except ConnectionError:
        return True


def is_served(port: int) -> bool:
    """Whether a new connection is; the server may not have seen yet that another has ended."""
    try:
        with connect(port) as link:
            return status(link) == b"200"
    except (OSError, IndexError):
        time.sleep(0.1)
        return False


@pytest.mark.parametrize(
    ("host", "trusted", "expected"),
    [
        ("127.0.0.1", "", True), ("::1", "", True), ("192.0.2.7", "", False), ("", "", False),
        ("192.0.2.7", "192.0.2.7", True), ("192.0.2.7", "127.0.0.1, 192.0.2.7", True),
        ("192.0.2.7", "*", True),
    ],
)  # fmt: skip
def test_who_is_a_proxy(monkeypatch: pytest.MonkeyPatch, host: str, trusted: str, expected: bool) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", trusted)
    assert door.is_proxy(host) is expected


@pytest.mark.parametrize(
    ("host", "trusted", "expected"),
    [
        ("127.0.0.1", "", True),
        ("::1", "", True),
        ("192.0.2.7", "", False),
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "no address, 192.0.2.0/24", True),
        ("2001:db8::7", "192.0.2.0/24,2001:db8::/32", True),
        ("198.51.100.7", "192.0.2.0/24", False),
        ("", "*", True),
        ("", "192.0.2.0/24", False),
    ],
)
def test_proxies_by_address_and_by_network(
    host: str, trusted: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(door.TRUSTED, trusted)
    assert door.is_proxy(host) is expected

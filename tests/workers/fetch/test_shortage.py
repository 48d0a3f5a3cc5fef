"""What this machine lacks is never the status of a URL."""

import asyncio
import os
import socket
import struct
from errno import EADDRNOTAVAIL, ECONNREFUSED, EINPROGRESS, EMFILE, ENFILE, ENOBUFS, ENOMEM
from pathlib import Path

import aiohttp
import pytest
from aiohttp.connector import AddrInfoType

from common.run.status import Status
from tests.calls import Call
from tests.web.server import Web, reply, serve
from tests.workers.fetch.conftest import Fetching
from tests.workers.fetch.short_of_descriptors import Outcome, fetch_short
from workers.fetch import Fetched, flight, guard
from workers.fetch.flight import Flight, ShortageError
from workers.fetch.shortage import Shortage, find_shortage

IP_LOCAL_PORT_RANGE = 51
"""Of Linux since 6.3: the ports of one socket, low and high 16 bits."""


async def slow(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0.2)
    writer.write(reply(b"x"))


async def fetch_apart(
    web: Web,
    count: int,
    *,
    limit: int,
    left: int = 0,
    seconds: float = 0,
    patience: float = flight.PATIENCE,
    host: str = "127.0.0.1",
    log: Path = Path(os.devnull),
) -> Outcome:
    urls = [web.url("/a", host) for _ in range(count)]
    return await Call(
        fetch_short, urls, log, limit=limit, left=left, seconds=seconds, patience=patience
    ).result()


async def test_few_descriptors_bound_the_downloads_in_flight(tmp_path: Path) -> None:
    async with serve({"/a": slow}) as web:
        found = await fetch_apart(web, 200, limit=128, log=tmp_path / "log")
    assert found == {"ok None": 200}
    log = (tmp_path / "log").read_text()
    assert "downloads bounded by file descriptors" in log
    assert "limit=128" in log  # the hard one


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_descriptors_that_vanish_are_waited_for(host: str) -> None:
    """All of them, while addresses are connected to, and while names are looked up."""
    async with serve({"/a": slow}) as web:
        assert await fetch_apart(web, 30, limit=256, seconds=1.5, host=host) == {"ok None": 30}


async def test_a_few_that_are_left_are_shared() -> None:
    async with serve({"/a": slow}) as web:
        assert await fetch_apart(web, 40, limit=256, left=4, seconds=60) == {"ok None": 40}


async def test_in_the_end_the_batch_goes_back() -> None:
    async with serve({"/a": slow}) as web:
        found = await fetch_apart(web, 5, limit=256, seconds=60, patience=0.5)
    assert isinstance(found, str)
    assert found.startswith("this worker is short of file descriptors; raise `ulimit -n`")


@pytest.fixture
def four_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every socket of the fetcher has the same four local ports to choose from."""
    with socket.socket() as probe:
        try:
            probe.setsockopt(socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, struct.pack("=I", 0))
        except OSError:
            pytest.skip("needs Linux 6.3, where a socket may have a range of ports of its own")
    open_socket = guard.Guard.open_socket

    def with_few_ports(self: guard.Guard, info: AddrInfoType) -> socket.socket:
        opened = open_socket(self, info)
        opened.setsockopt(socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, struct.pack("=HH", 40000, 40003))
        return opened

    monkeypatch.setattr(guard.Guard, "open_socket", with_few_ports)


@pytest.mark.usefixtures("four_ports")
async def test_few_ports_are_shared(fetching: Fetching) -> None:
    async with serve({"/a": slow}) as web, fetching(per_host=32) as fetcher:
        fetched = await asyncio.gather(*(fetcher.fetch(web.url("/a")) for _ in range(24)))
    assert {f.status for f in fetched} == {Status.OK}


@pytest.mark.usefixtures("four_ports")
async def test_an_address_without_a_route_is_the_hosts(
    fetching: Fetching, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system says EADDRNOTAVAIL of that as well, of IPv6 for one."""
    monkeypatch.setattr(guard, "is_routable", lambda *_: False)
    async with serve({"/a": slow}) as web, fetching(per_host=32) as fetcher:
        fetched = await asyncio.gather(*(fetcher.fetch(web.url("/a")) for _ in range(8)))
    assert Fetched(Status.CONNECT_ERROR, "EADDRNOTAVAIL") in fetched


@pytest.mark.parametrize(
    "error",
    [
        *(OSError(code, os.strerror(code)) for code in (EMFILE, ENFILE, ENOBUFS, ENOMEM)),
        OSError(f"Multiple exceptions: [Errno 101] no route, {Shortage(EADDRNOTAVAIL)}"),
        socket.gaierror(socket.EAI_MEMORY, "Memory allocation failure"),
        MemoryError(),
        RuntimeError("can't start new thread"),
    ],
)
def test_shortages(error: Exception) -> None:
    assert find_shortage(error)


@pytest.mark.parametrize(
    "error",
    [
        OSError(ECONNREFUSED, "refused"),
        OSError(EADDRNOTAVAIL, "Cannot assign requested address"),
        BlockingIOError(EINPROGRESS, "in progress"),
        socket.gaierror(socket.EAI_NONAME, "unknown"),
        ValueError("can't start new thread"),
        aiohttp.ClientPayloadError(str(Shortage(EMFILE))),
        aiohttp.ServerDisconnectedError(f"can't start new thread {Shortage(EMFILE)}"),
    ],
)
def test_what_only_sounds_like_one(error: Exception) -> None:
    assert find_shortage(error) is None


async def test_a_flight_is_halved_and_grows_again() -> None:
    flight = Flight(64)
    for allowed in (32, 16):
        with pytest.raises(Shortage):
            await asyncio.gather(*(_fly(flight, Shortage(EMFILE)) for _ in range(64)))
        assert flight.allowed <= allowed
    for _ in range(5000):
        await _fly(flight, None)
    assert flight.allowed == 64


async def _fly(flight: Flight, error: Exception | None) -> None:
    async with flight:
        await asyncio.sleep(0)
        if error is not None:
            raise error


async def test_a_flight_never_holds_more_than_it_allows() -> None:
    flight, running, most = Flight(5), 0, 0

    async def fly(number: int) -> None:
        nonlocal running, most
        async with flight:
            running += 1
            most = max(most, running)
            try:
                await asyncio.sleep(0.001 * (number % 3))
            finally:
                running -= 1

    tasks = [asyncio.create_task(fly(number)) for number in range(200)]
    await asyncio.sleep(0.005)
    for task in tasks[::3]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert most == 5
    await asyncio.wait_for(asyncio.gather(*(fly(0) for _ in range(10))), 5)  # no place was lost


async def test_a_shortage_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flight, "PATIENCE", 0.0)
    waiting = Flight(1)
    await waiting.wait_out(Shortage(ENOMEM))
    with pytest.raises(ShortageError, match="memory; give the worker more, or lower FLEET_FETCH_CONCURRENCY"):
        await waiting.wait_out(Shortage(ENOMEM))

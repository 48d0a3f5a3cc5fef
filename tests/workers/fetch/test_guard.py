"""No address but a public one is ever connected."""

import socket
from ipaddress import ip_address, ip_network

import pytest

from common.run.status import Status
from tests.web.server import redirect, reply, serve
from tests.workers.fetch.conftest import Fetching
from workers.fetch.address import is_public
from workers.fetch.failure import BlockedAddress
from workers.fetch.guard import Guard


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "172.32.0.1",
        "100.63.255.255",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
    ],
)
def test_public_addresses(address: str) -> None:
    assert is_public(ip_address(address))
    assert Guard().allows(address, 443)


def test_only_web_ports() -> None:
    allowed = {port for port in range(65536) if Guard().allows("8.8.8.8", port)}
    assert allowed == {80, 443, 8080, 8443}


def test_named_networks_are_open_on_any_port_and_nothing_else_is() -> None:
    guard = Guard((ip_network("10.0.0.0/8"), ip_network("fd00::/8")))
    assert guard.allows("10.1.2.3", 9000)
    assert guard.allows("::ffff:10.1.2.3", 9000)
    assert guard.allows("fd00::1", 22)
    assert not guard.allows("192.168.0.1", 80)
    assert not guard.allows("8.8.8.8", 9000)


def test_the_socket_factory_refuses_what_is_no_address() -> None:
    with pytest.raises(BlockedAddress):
        Guard().open_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("localhost", 80)))


async def test_a_name_with_one_good_address_is_fetched_there(fetching: Fetching) -> None:
    names = {"mixed.test": [["10.0.0.1", "169.254.169.254", "127.0.0.1"]]}
    async with serve({"/a": reply(b"x")}) as web, fetching(names) as fetcher:
        assert (await fetcher.fetch(web.url("/a", "mixed.test"))).status is Status.OK


async def test_a_name_that_rebinds_between_hops_is_blocked(fetching: Fetching) -> None:
    names = {"rebind.test": [["127.0.0.1"], ["127.0.0.2"]]}
    async with serve({"/a": reply(b"secret")}, host="127.0.0.2") as inner:
        pages = {"/a": redirect(f"http://rebind.test:{inner.port}/a")}
        async with serve(pages) as web, fetching(names) as fetcher:
            fetched = await fetcher.fetch(web.url("/a", "rebind.test"))
    assert fetched.status is Status.BLOCKED
    assert inner.connections == 0
    assert web.connections == 1

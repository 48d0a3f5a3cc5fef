"""A listener that nobody may ever reach, and an eye on every connection that is tried."""

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

ADDRESSES = ("0.0.0.0", "::")  # every address that this machine answers to, in one socket each


@dataclass
class Canary:
    """`reached` are the peers that got through, `tried` the addresses that anything tried to connect to."""

    port: int
    reached: list[object] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    watching: bool = True

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.watching and event == "socket.connect":
            address = arguments[1]
            self.tried.append(str(address[0]) if isinstance(address, tuple) else str(address))

    def accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, peer = listener.accept()
            except OSError:
                return
            self.reached.append(peer)
            connection.close()


@contextmanager
def canary() -> Iterator[Canary]:
    """Listen on every address of this machine, IPv4 and IPv6 where there is any."""
    listeners = _listeners()
    found = Canary(listeners[0].getsockname()[1])
    threads = [threading.Thread(target=found.accept, args=(each,)) for each in listeners]
    for thread in threads:
        thread.start()
    sys.addaudithook(found.audit)
    try:
        yield found
    finally:
        found.watching = False  # a hook cannot be taken away
        for each in listeners:
            each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in threads:
            thread.join()


def _listeners() -> list[socket.socket]:
    first = socket.create_server(("0.0.0.0", 0))
    listeners = [first]
    if socket.has_ipv6:
        second = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        second.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            second.bind(("::", first.getsockname()[1]))
            second.listen()
            listeners.append(second)
        except OSError:  # a machine without IPv6
            second.close()
    return listeners

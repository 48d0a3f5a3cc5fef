"""Free loopback ports, and waiting for somebody to listen on one."""

import socket
import time
from contextlib import suppress
from random import SystemRandom

PORTS = range(12_000, 22_000)
"""These, and those 10,000 above, are below what the kernel gives to outgoing connections (32,768 on)."""


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on; each leaves room for a second server at port + 10,000.

    A connection's own end never takes one, so that a server finds its port free again after it was killed.
    """
    ports: set[int] = set()
    while len(ports) < count:
        candidate = SystemRandom().choice(PORTS)
        if _is_free(candidate) and _is_free(candidate + 10_000):
            ports.add(candidate)
    return list(ports)


def _is_free(port: int) -> bool:
    with socket.socket() as probe, suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False


def wait_for(port: int, *, seconds: float = 30) -> None:
    """Return once something accepts connections on `port`."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)

"""Free loopback ports, and waiting for somebody to listen on one."""

import socket
import time


def free_ports(count: int, *, below: int = 50_000) -> list[int]:
    """Ports nobody listens on; each leaves room for a second server at port + 10,000."""
    sockets: list[socket.socket] = []
    ports: list[int] = []
    while len(ports) < count:
        candidate = socket.socket()
        candidate.bind(("127.0.0.1", 0))
        sockets.append(candidate)
        port = candidate.getsockname()[1]
        if port < below:
            ports.append(port)
    for held in sockets:
        held.close()
    return ports


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

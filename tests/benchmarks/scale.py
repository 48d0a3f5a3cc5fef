"""A look at LAION-5B: `python -m tests.benchmarks.scale`.

585,000 shards of one row in 58,500 parts, in a simulated store that answers after 80 ms, in a process of its
own. Prints the seconds and megabytes of each command beside what it may take. One JSON object.
"""

import argparse
import asyncio
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from common.console.logs import configure_logs
from common.run.bundle import write_bundle
from common.run.failure_record import Failure, Reason
from common.run.layout import part_key
from common.run.make_run import make_run
from common.run.numbering import Numbering
from common.run.planned_part import Part, part_id
from common.run.schema import SHARD
from common.settings import Settings
from tests.benchmarks.scale_commands import FEW_SHARDS, MEASURES, URI
from tests.faults.broker import broker
from tests.servers.ports import free_ports, wait_for
from tests.servers.small_s3 import SmallS3

LATENCY = 0.08
ROWS = 100_000
BATCH_ROWS = 10_000
MISSING = 1000
FEW_PARTS = FEW_SHARDS * BATCH_ROWS // ROWS
MAY_TAKE = {
    "planning": 600.0,
    "enqueue again": 60.0,
    "first look": 30.0,
    "later look": 2.0,
    "requeue --missing": 60.0,
    "requeue --dead": 120.0,
}
MEGABYTES = 200


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", type=int, default=58_500, help="(%(default)s)")
    parser.add_argument("--dead", type=int, default=50_000, help="(%(default)s)")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=list(MEASURES), help="commands to run")
    options = parser.parse_args()
    configure_logs()
    if options.serve:
        asyncio.run(_serve(options.serve, options.parts, options.dead))
    else:
        print(json.dumps(_report(options.parts, options.dead, options.only), indent=1))


def _report(parts: int, dead: int, names: Sequence[str]) -> dict[str, Any]:
    figures: dict[str, Any] = {"parts": parts, "batches": parts * 10, "dead": dead}
    with (
        tempfile.TemporaryDirectory() as folder,
        broker(Path(folder), sync="no-file") as redis,
        _server(parts, dead) as server,
    ):
        os.environ.update(server.environment)
        os.environ.update(FLEET_BROKER_URL=redis.url, FLEET_MODELS="fake", FLEET_OUTPUT=URI)
        os.environ["XDG_STATE_HOME"] = folder
        for name in names:
            figures |= _measure(name)
            print(json.dumps(figures), file=sys.stderr)
    figures["may take"] = {**MAY_TAKE, "megabytes of a look": MEGABYTES}
    return figures


def _measure(name: str) -> dict[str, Any]:
    """A process of its own, so that its memory is its own."""
    command = [sys.executable, "-m", "tests.benchmarks.scale_commands", name]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


@contextmanager
def _server(parts: int, dead: int) -> Iterator[SmallS3]:
    """The store in another process: its work is not the command's."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "tests.benchmarks.scale", "--serve", str(port)]
    process = subprocess.Popen([*command, "--parts", str(parts), "--dead", str(dead)])
    try:
        wait_for(port, seconds=300)
        yield SmallS3(port)
    finally:
        process.terminate()
        process.wait(20)


async def _serve(port: int, parts: int, dead: int) -> None:
    server = SmallS3(port)
    server.objects.update(_objects(parts, dead))
    server.names = sorted(server.objects)
    server.latency = LATENCY
    async with server.serving():
        await asyncio.Event().wait()


def _objects(parts: int, dead: int) -> Iterator[tuple[str, bytes]]:
    """A run whose batches have their shard, but for some that are dead and a few that are missing."""
    source, shard = _source(), _shard()
    planned = [_part(number, source) for number in range(parts)]
    for part in planned:
        yield part.address.removeprefix("s3://bucket/"), source
    few = planned[:FEW_PARTS]
    yield from (*_manifest(planned), *_few_objects(few, shard))
    numbering = Numbering(planned, BATCH_ROWS)
    for number in range(numbering.total):
        batch = numbering.batch(number)
        if number >= dead + MISSING:
            yield f"run/{batch.shard_key}", shard
        elif number >= MISSING:
            failure = Failure(batch=batch.id, reason=Reason.ERROR, error="x", worker="w")
            yield f"run/failed/{batch.id}.json", failure.model_dump_json().encode()


def _few_objects(parts: Sequence[Part], shard: bytes) -> Iterator[tuple[str, bytes]]:
    for key, body in _manifest(parts):
        yield key.replace("run/", "few/", 1), body
    for part in parts:
        for batch in part.batches(BATCH_ROWS):
            yield f"few/{batch.shard_key}", shard


def _manifest(parts: Sequence[Part]) -> Iterator[tuple[str, bytes]]:
    """What `enqueue` writes into `run/`, bundles included."""
    yield "run/run.json", make_run(Settings(models="fake"), BATCH_ROWS).to_json()
    yield "run/proof.json", json.dumps({"store": URI}).encode()
    records = {part_key(part.id): part.to_json() for part in parts}
    bundle: dict[str, bytes] = {}
    write_bundle(_Memory(bundle), records)  # type: ignore[arg-type]
    for key, body in (*records.items(), *bundle.items()):
        yield f"run/{key}", body


def _source() -> bytes:
    """A part of 100,000 rows that are alike: its footer is as long as any."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"URL": ["http://192.0.2.1/"] * ROWS, "TEXT": ["text"] * ROWS}), sink)
    return bytes(sink.getvalue())


def _shard() -> bytes:
    """A shard of one row."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist([{"status": "ok"}], schema=SHARD), sink)
    return bytes(sink.getvalue())


class _Memory:
    """A store of one dictionary, as far as a bundle needs one."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self._objects = objects

    def create(self, key: str, body: bytes) -> bool:
        self._objects[key] = body
        return True


def _part(number: int, body: bytes) -> Part:
    address = f"s3://bucket/in/part-{number:05}-of-58500-c000.snappy.parquet"
    etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
    return Part(id=part_id(address), address=address, rows=ROWS, size=len(body), etag=etag, file_rows=ROWS)


if __name__ == "__main__":
    main()

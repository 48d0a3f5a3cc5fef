"""A look at LAION-5B: `python -m tests.benchmarks.scale`.

585,000 empty shards in 58,500 parts, in a simulated store that answers after 80 ms, in a process of its own.
Prints the seconds and megabytes of each command beside what it may take. One JSON object.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common.console.logs import configure_logs
from common.run.bundle import write_bundle
from common.run.failure_record import Failure, Reason
from common.run.layout import part_key
from common.run.manifest import Run
from common.run.model_refs import model_refs
from common.run.numbering import Numbering
from common.run.planned_part import Part
from common.settings import Settings
from common.store import open_store
from tests.faults.broker import broker
from tests.servers.ports import free_ports, wait_for
from tests.servers.small_s3 import SmallS3

LATENCY = 0.08
ROWS = 100_000
BATCH_ROWS = 10_000
MISSING = 1000
URI = "s3://bucket/run"
MAY_TAKE = {
    "first look": 30.0,
    "later look": 2.0,
    "requeue --missing": 60.0,
    "requeue --dead": 120.0,
}
MEGABYTES = 200
MEGA = 1 << 20


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", type=int, default=58_500, help="(%(default)s)")
    parser.add_argument("--dead", type=int, default=50_000, help="(%(default)s)")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    configure_logs()
    if options.serve:
        asyncio.run(_serve(options.serve, options.parts, options.dead))
    elif options.measure:
        print(json.dumps(MEASURES[options.measure]()))
    else:
        print(json.dumps(_report(options.parts, options.dead), indent=1))


def _report(parts: int, dead: int) -> dict[str, Any]:
    figures: dict[str, Any] = {"parts": parts, "batches": parts * 10, "dead": dead}
    with (
        tempfile.TemporaryDirectory() as folder,
        broker(Path(folder), sync="no-file") as redis,
        _server(parts, dead) as server,
    ):
        os.environ.update(server.environment)
        os.environ.update(FLEET_BROKER_URL=redis.url, FLEET_MODELS="fake", FLEET_OUTPUT=URI)
        for name in MEASURES:
            figures |= _measure(name)
    figures["may take"] = {**MAY_TAKE, "megabytes of a look": MEGABYTES}
    return figures


def _measure(name: str) -> dict[str, Any]:
    """A process of its own, so that its memory is its own."""
    command = [sys.executable, "-m", "tests.benchmarks.scale", "--measure", name]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _timed(work: Callable[[], object]) -> tuple[float, object]:
    began = time.perf_counter()
    result = work()
    return round(time.perf_counter() - began, 2), result


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // MEGA


def _look() -> dict[str, Any]:
    from producer.status import StatusReader  # noqa: PLC0415 - its memory alone is measured

    settings = Settings()
    store = open_store(URI, settings.s3)
    opened, reader = _timed(lambda: StatusReader(store, settings))
    assert isinstance(reader, StatusReader)
    first, state = _timed(reader.read)
    later = [_timed(reader.read)[0] for _ in range(3)]
    return {
        "reading the manifest": opened,
        "first look": round(opened + first, 2),
        "later look": max(later),
        "megabytes of a look": _peak(),
        "state": str(state),
    }


def _requeue(*, dead: bool) -> dict[str, Any]:
    from producer.requeue import requeue  # noqa: PLC0415 - as above

    name = "requeue --dead" if dead else "requeue --missing"
    seconds, done = _timed(lambda: requeue(URI, Settings(), dead=dead))
    return {name: seconds, f"{name}: megabytes": _peak(), f"{name}: answer": str(done)}


MEASURES: dict[str, Callable[[], dict[str, Any]]] = {
    "look": _look,
    "missing": lambda: _requeue(dead=False),
    "dead": lambda: _requeue(dead=True),
}


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
    for key, body in _objects(parts, dead):
        server.objects[f"run/{key}"] = body
    server.names = sorted(server.objects)
    server.latency = LATENCY
    async with server.serving():
        await asyncio.Event().wait()


def _objects(parts: int, dead: int) -> Iterator[tuple[str, bytes]]:
    """A run whose batches have their shard, but for some that are dead and a few that are missing."""
    settings = Settings(models="fake")
    made = Run(version="0", batch_rows=BATCH_ROWS, models=model_refs(settings), sampling=settings.sampling)
    yield "run.json", made.to_json()
    yield "proof.json", json.dumps({"store": URI}).encode()
    planned = [_part(number) for number in range(parts)]
    records = {part_key(part.id): part.to_json() for part in planned}
    yield from records.items()
    bundle: dict[str, bytes] = {}
    write_bundle(_Memory(bundle), records)  # type: ignore[arg-type]
    yield from bundle.items()
    numbering = Numbering(planned, BATCH_ROWS)
    for number in range(numbering.total):
        batch = numbering.batch(number)
        if number >= dead + MISSING:
            yield batch.shard_key, b""
        elif number >= MISSING:
            failure = Failure(batch=batch.id, reason=Reason.ERROR, error="x", worker="w")
            yield f"failed/{batch.id}.json", failure.model_dump_json().encode()


class _Memory:
    """A store of one dictionary, as far as a bundle needs one."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self._objects = objects

    def create(self, key: str, body: bytes) -> bool:
        self._objects[key] = body
        return True


def _part(number: int) -> Part:
    name = f"part-{number:05}-{number * 2654435761 % (1 << 40):010x}"
    address = f"s3://laion/laion5b/part-{number:05}-of-58500-c000.snappy.parquet"
    return Part(id=name, address=address, rows=ROWS, size=180_000_000, etag=f"{number:032x}-18")


if __name__ == "__main__":
    main()

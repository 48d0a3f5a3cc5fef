"""A look at LAION-5B: `python -m tests.benchmarks.scale`.

585,000 shards of one row in 58,500 parts, in a simulated store that answers after 80 ms, in a process of its
own. Prints the seconds and megabytes of each command beside what it may take. One JSON object.
"""

import argparse
import asyncio
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from common.console.logs import configure_logs
from common.errors import FleetError
from common.run.bundle import write_bundle
from common.run.failure_record import Failure, Reason
from common.run.layout import part_key
from common.run.make_run import make_run
from common.run.numbering import Numbering
from common.run.planned_part import Part, part_id
from common.run.schema import SHARD
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
FEW = "s3://bucket/few"
FEW_PARTS = 300
PARTS = "s3://bucket/in/part-*"
MAY_TAKE = {
    "planning": 600.0,
    "enqueue again": 60.0,
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
        figures = MEASURES[options.measure]()
        print(json.dumps({**figures, f"{options.measure}: seconds of CPU": _cpu()}))
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
        os.environ["XDG_STATE_HOME"] = folder
        for name in MEASURES:
            figures |= _measure(name)
            print(json.dumps(figures), file=sys.stderr)
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


def _cpu() -> float:
    """Of this process and its children, the start included: what a busy machine does not stretch."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return round(sum(one.ru_utime + one.ru_stime for one in spent), 1)


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


def _enqueue_again() -> dict[str, Any]:
    """The whole command; every part is in the run."""
    from producer.enqueue import enqueue  # noqa: PLC0415 - as above

    seconds, done = _timed(lambda: enqueue([PARTS], URI, Settings()))
    return {"enqueue again": seconds, "enqueue again: megabytes": _peak(), "enqueue again: answer": str(done)}


def _plan() -> dict[str, Any]:
    """The same parts for another run; then its manifest, without the queueing."""
    from producer.enqueue import Plan, plan_run  # noqa: PLC0415 - as above
    from producer.run import write_parts  # noqa: PLC0415

    planning, plan = _timed(lambda: plan_run([PARTS], f"{URI}-planned", Settings()))
    assert isinstance(plan, Plan)
    writing, _ = _timed(lambda: write_parts(plan.store, plan.new))
    return {"planning": planning, "writing the manifest": writing, "planning: megabytes": _peak()}


def _verify() -> dict[str, Any]:
    """A sample of shards that hold one row instead of 10,000: bad ones, whose reading costs no decoding."""
    from producer.verify import Verdict, verify  # noqa: PLC0415 - as above

    settings = Settings()
    seconds, verdict = _timed(lambda: verify(open_store(URI, settings.s3), settings.s3, 1.0))
    assert isinstance(verdict, Verdict)
    return {
        "verify --sample 1%": seconds,
        "verify: megabytes": _peak(),
        "verify: sample": str(verdict.sample),
    }


def _retry() -> dict[str, Any]:
    """A run of few parts: shards a second, each by its status column; none has a row to retry."""
    from producer.retry import retry  # noqa: PLC0415 - as above

    def no_row() -> None:
        with suppress(FleetError):
            retry(FEW, f"{FEW}-again", "timeout", Settings())

    seconds, _ = _timed(no_row)
    shards = FEW_PARTS * ROWS // BATCH_ROWS
    return {"retry: shards": shards, "retry": seconds, "retry: shards a second": round(shards / seconds)}


MEASURES: dict[str, Callable[[], dict[str, Any]]] = {
    "look": _look,
    "missing": lambda: _requeue(dead=False),
    "enqueue again": _enqueue_again,
    "dead": lambda: _requeue(dead=True),
    "verify": _verify,
    "retry": _retry,
    "plan": _plan,
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

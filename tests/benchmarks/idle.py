"""How long the card idles: `python -m tests.benchmarks.idle`.

A real worker over a real queue, with models that are a device of a fixed rate: a pass of n images holds the
card for n / rate seconds, whichever process brought it. A quarter of the links is dead, one in twenty is
silent for ten seconds, one in twenty slow. Everything is an H200 in small: it takes `--rate` images a second
instead of 300, so batches, passes and downloads in flight are that fraction of what they are by default.
Prints one JSON object: `images_per_second`, `in_flight`, `idle_share`, from the first pass to the last full
one, with the processes that `auto` gives, and with one.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from producer.cli import main as producer
from tests.benchmarks.uneven_web import uneven_web
from tests.faults.waiting import until
from tests.processes import run_here
from tests.servers.valkey import valkey
from workers.device.capacity import GIB, IN_FLIGHT, choose_micro_batch, choose_processes, share_of_card

H200_RATE = 300
"""Images a second for which `auto` on an H200 is made."""
H200 = {"free": 139 * GIB, "cards": 1, "cores": 16, "memory": 128 * GIB}
BATCH_ROWS = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=int, default=30, help="images a second (%(default)s)")
    parser.add_argument("--batches", type=int, default=6, help="(%(default)s)")
    parser.add_argument("--processes", type=int, nargs="+", help="instead of auto's, and of one")
    options = parser.parse_args()
    wanted = options.processes or [choose_processes(**H200), 1]
    print(json.dumps([measure(options.rate, options.batches, each) for each in wanted], indent=1))


def measure(rate: int, batches: int, processes: int) -> dict[str, Any]:
    """One run of `batches` by one worker of `processes`."""
    scale = rate / H200_RATE
    card = share_of_card(H200["free"], H200["free"], processes)
    micro_batch = max(1, round(choose_micro_batch(card) * scale))
    in_flight = round(IN_FLIGHT * scale)
    rows = round(BATCH_ROWS * scale)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        broker = stack.enter_context(valkey(folder / "broker"))
        links = stack.enter_context(uneven_web(rows * batches))
        part = folder / "links.parquet"
        pq.write_table(pa.table({"URL": links, "TEXT": links}), part)
        environment = {
            "FLEET_BROKER_URL": broker.url,
            "FLEET_OUTPUT": str(folder / "run"),
            "FLEET_MODELS": "fake",
            "FLEET_FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
            "FLEET_WORKER_PROCESSES": str(processes),
            "FLEET_MICRO_BATCH": str(micro_batch),
            "FLEET_FETCH_CONCURRENCY": str(in_flight // processes),
            "SIMULATED_RATE": str(rate),
            "SIMULATED_CARD": str(folder / "card"),
            "OMP_NUM_THREADS": "1",
        }
        done = run_here(producer, "enqueue", part, "--batch-rows", rows, environment=environment)
        assert done.returncode == 0, done.stderr
        work(folder, environment, batches)
        passes = [json.loads(line) for line in (folder / "card").read_text().splitlines()]
    return {"processes": processes, "images_per_second": rate, "in_flight": in_flight} | {
        "batches": batches, "batch_rows": rows, "micro_batch": micro_batch, **idle(passes, micro_batch)
    }  # fmt: skip


def work(folder: Path, environment: dict[str, str], batches: int) -> None:
    """Run a worker until every batch has its shard."""
    command = [sys.executable, "-m", "celery", "-A", "tests.benchmarks.simulated_device", "worker"]
    with (folder / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=log, stderr=log, start_new_session=True
        )
    try:
        shards = folder / "run" / "shards"
        until(lambda: sum(1 for _ in shards.rglob("*.parquet")) == batches, 3600, "the run's end")
    finally:
        worker.terminate()
        time.sleep(1)
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def idle(passes: list[dict[str, float]], full: int) -> dict[str, float]:
    """Seconds between the first pass and the last full one, and the share in which the card did nothing."""
    passes.sort(key=lambda one: one["began"])
    last = max(number for number, one in enumerate(passes) if one["images"] == full)
    counted = passes[: last + 1]
    seconds = counted[-1]["ended"] - counted[0]["began"]
    busy = sum(one["ended"] - one["began"] for one in counted)
    gaps = [later["began"] - sooner["ended"] for sooner, later in pairwise(counted)]
    return {
        "seconds": round(seconds, 1),
        "idle_share": round(1 - busy / seconds, 4),
        "longest_gap_s": round(max(gaps), 2),
        "gaps_over_a_second": sum(gap > 1 for gap in gaps),
    }


if __name__ == "__main__":
    main()

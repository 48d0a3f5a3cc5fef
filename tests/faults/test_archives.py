"""Workers die over tars: nothing is lost, and nothing is there twice."""

import random
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.archives.inputs import JPEG, pack
from tests.faults.checks import long
from tests.faults.fleet import Fleet, Run
from tests.faults.invariants import remains
from tests.faults.waiting import until

pytestmark = pytest.mark.slow

TARS, SAMPLES, BATCH = 40, 50, 10
KILLS = 50


@long
def test_fifty_kills_lose_no_row_of_a_tar(crew: Fleet) -> None:
    run = _enqueue(crew)
    draw = random.Random(0)
    for _ in range(2):
        crew.start()
    kills = 0
    while kills < KILLS:
        if run.done() == len(run.batches):
            run = _enqueue(crew)
        time.sleep(draw.uniform(0.2, 1.5))
        draw.choice([worker for worker in crew.workers if worker.alive]).kill()
        kills += 1
        crew.start(wait=False)
    until(lambda: any(worker.ready() for worker in crew.workers), 60, "a worker")
    crew.wait(run, 300, mend=True, restart=True)
    for output in Path(crew.environment["FLEET_OUTPUT"]).iterdir():
        rows = Counter(
            (row["part"], row["row"])
            for shard in output.glob("shards/*/*")
            for row in pq.read_table(shard, columns=["part", "row"]).to_pylist()
        )
        assert (len(rows), max(rows.values())) == (TARS * SAMPLES, 1)
        assert not list(output.glob("failed/*/*"))
    assert remains(crew.broker.client()) == {}


def _enqueue(crew: Fleet) -> Run:
    """A run of tars of its own."""
    crew.started += 1
    folder = crew.folder / "in" / f"tars-{crew.started}"
    folder.mkdir(parents=True)
    for number in range(TARS):
        members = [
            (f"{row:04d}.{extension}", body)
            for row in range(SAMPLES)
            for extension, body in (("jpg", JPEG), ("txt", f"{number} {row}".encode()))
        ]
        (folder / f"{number:04d}.tar").write_bytes(pack(members))
    output = f"{crew.environment['FLEET_OUTPUT']}/{folder.name}"
    done = crew.producer("enqueue", folder, "--output", output, "--batch-rows", BATCH)
    assert done.returncode == 0, done.stderr
    return Run(output, [f"batch {number}" for number in range(TARS * SAMPLES // BATCH)], folder)

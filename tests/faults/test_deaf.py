"""The broker goes away while batches end: every worker takes batches again, none is restarted.

An acknowledgement that failed used to keep its place in kombu's prefetch count, so that a worker whose batch
ended during the outage never asked for another.
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.faults.checks import finish, long
from tests.faults.fleet import Fleet, Run, Worker
from tests.faults.outages import OUTAGES, Outage
from tests.faults.waiting import until

pytestmark = pytest.mark.slow

CONSUMING = 35
"""Seconds after which every worker takes batches again once the broker is back."""

WORKERS = 2


@pytest.fixture
def outage(request: pytest.FixtureRequest, crew: Fleet) -> Iterator[Outage]:
    """The named kind of outage, on the road between the crew's workers and their broker."""
    with OUTAGES[request.param](crew) as made:
        crew.environment["FLEET_BROKER_URL"] = made.url
        yield made


SHORT = [("kill", 1.0, 0.4), ("kill", 6.0, 2.0)]
LONG = [
    *((kind, 1.0, 0.4) for kind in OUTAGES if kind != "kill"),
    *((kind, 6.0, hold) for kind in OUTAGES for hold in (2.0, 20.0)),
    *((kind, 126.0, hold) for kind in OUTAGES for hold in (2.0, 150.0)),
    ("kill", 600.0, 2.0),
]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("outage", "seconds", "hold"),
    [*SHORT, *(pytest.param(*one, marks=long) for one in LONG)],
    indirect=["outage"],
)
def test_every_worker_takes_batches_again(
    crew: Fleet, tmp_path: Path, outage: Outage, seconds: float, hold: float
) -> None:
    """An outage of `seconds` while batches of `hold` seconds end, begin and run."""
    run = crew.enqueue("outage", 40)
    crew.site.hold = hold
    workers = [_start(crew, tmp_path) for _ in range(WORKERS)]
    until(lambda: len({one.worker for one in crew.site.attempts}) == WORKERS, 60, "every worker at work")
    outage.begin()
    time.sleep(seconds)
    alive_meanwhile = [_age(worker, tmp_path) for worker in workers]
    outage.end()
    back = time.time()
    crew.site.release(then=2 * CONSUMING)  # a batch for everybody, however late: nobody runs through the rest
    until(
        lambda: _began_since(crew, back) == {one.name for one in workers}, CONSUMING, "all take batches again"
    )
    print("consuming after", [round(one, 1) for one in _first_starts(crew, back)])
    assert all(worker.alive for worker in workers)
    assert max(alive_meanwhile) < 60, "a worker that waits for its broker is alive"
    crew.site.release(then=0.3)
    finish(crew, run, 120, mend=outage.forgets)
    assert _run_again_although_committed(crew, run) == []


def _start(crew: Fleet, folder: Path) -> Worker:
    health = folder / f"health-{crew.started + 1}"
    return crew.start(FLEET_HEALTH_FOLDER=str(health), FLEET_HEALTH_BEAT="1")


def _age(worker: Worker, folder: Path) -> float:
    """Seconds since the worker showed that it lives."""
    number = worker.name.removeprefix("w")
    return time.time() - (folder / f"health-{number}" / "alive").stat().st_mtime


def _began_since(crew: Fleet, moment: float) -> set[str]:
    return {one.worker for one in crew.site.attempts if one.began > moment}


def _first_starts(crew: Fleet, moment: float) -> Sequence[float]:
    """For each worker, seconds from the moment to its first batch."""
    return [
        min(one.began for one in crew.site.attempts if one.worker == name and one.began > moment) - moment
        for name in sorted(_began_since(crew, moment))
    ]


def _run_again_although_committed(crew: Fleet, run: Run) -> list[str]:
    """Batches begun once more after their shard had appeared."""
    written = {
        path.relative_to(run.shards).with_suffix("").as_posix(): path.stat().st_mtime
        for path in run.shards.rglob("*.parquet")
    }
    return [one.batch for one in crew.site.attempts if one.began > written.get(one.batch, float("inf"))]

"""Redis dies, freezes, forgets, fills up; the workers go on without a restart, and nothing is lost."""

import time
from pathlib import Path

import pytest

from tests.faults.broker import Sync, broker
from tests.faults.canary import canary
from tests.faults.checks import finish, long
from tests.faults.fleet import Fleet, fleet
from tests.faults.link import link
from tests.faults.site import Site
from tests.faults.waiting import until
from tests.programs import needs

pytestmark = pytest.mark.slow
CONSUMING = 35
"""Seconds after which workers consume again once Redis is back."""

KEEPS = (
    ("valkey", "everysec", True),
    pytest.param("redis", "everysec", True, marks=needs("redis-server")),
    pytest.param("redis", "always", True, marks=[needs("redis-server"), long]),
    pytest.param("valkey", "no-file", False, marks=long),
)


@pytest.mark.parametrize(("server", "sync", "keeps"), KEEPS)
def test_killed_and_started_again(tmp_path: Path, site: Site, server: str, sync: Sync, keeps: bool) -> None:
    """One worker is busy and one is idle; without a file all that waits is gone, and queued again."""
    with (
        broker(tmp_path / "broker", server=server, sync=sync) as redis,
        canary() as bird,
        fleet(tmp_path, redis, site, bird.url) as crew,
    ):
        site.hold = 600
        run = crew.enqueue("restart", 1)
        crew.start(wait=False)
        crew.site.wait_for(run.batches[0])
        crew.start()
        time.sleep(1.2)  # what everysec may lose
        redis.kill()
        time.sleep(1)
        redis.start()
        back = time.time()
        site.release()
        more = crew.enqueue("after", 2)
        first = crew.site.wait_for(more.batches[0], CONSUMING)
        print("consuming after", round(first.began - back, 1), "alive", [w.alive for w in crew.workers])
        assert all(worker.alive for worker in crew.workers)
        finish(crew, run, mend=not keeps)
        finish(crew, more)
        assert len(site.of(run.batches[0])) == 1, "the running batch must not be run twice"


def test_wiped_it_is_filled_again_from_the_output(crew: Fleet) -> None:
    run = crew.enqueue("wiped", 40)
    crew.site.hold = 0.05
    crew.start(wait=False)
    until(lambda: run.done() > 3, 40, "some shards")
    crew.broker.client().flushall()
    assert crew.requeue(run) > 20
    assert crew.requeue(run) == 0
    finish(crew, run, mend=True)


def test_a_blip_runs_nothing_twice(crew: Fleet) -> None:
    run = crew.enqueue("blip", 2)
    crew.site.hold = 600
    crew.start(wait=False)
    crew.start(wait=False)
    for batch in run.batches:
        crew.site.wait_for(batch)
    for _ in range(3):
        assert crew.broker.blip()
        time.sleep(1)
    time.sleep(7)
    finish(crew, run)
    assert [len(crew.site.of(batch)) for batch in run.batches] == [1, 1]


@long
def test_read_only_for_a_while(crew: Fleet) -> None:
    """The view of a client whose server was demoted: every write is answered READONLY."""
    run = crew.enqueue("replica", 6)
    crew.site.hold = 0.3
    worker = crew.start()
    client = crew.broker.client()
    client.replicaof("127.0.0.1", 1)
    time.sleep(4)
    client.replicaof("NO", "ONE")
    finish(crew, run, mend=True)
    assert worker.alive


@long
def test_torn_end_of_the_append_only_file(crew: Fleet) -> None:
    run = crew.enqueue("torn", 10)
    crew.broker.kill()
    log = next((crew.broker.folder / "appendonlydir").glob("*.incr.aof"))
    log.write_bytes(log.read_bytes()[:-300])
    crew.broker.start()
    crew.unlock_producers()
    crew.start()
    finish(crew, run, mend=True)


@long
def test_cut_link(crew: Fleet) -> None:
    """Connections are reset again and again, in the middle of whatever is being said."""
    run = crew.enqueue("cut", 30)
    crew.site.hold = 0.05
    with link(crew.broker.port) as road:
        crew.start(FLEET_BROKER_URL=f"redis://127.0.0.1:{road.port}/0")
        for _ in range(8):
            time.sleep(0.7)
            road.cut()
        finish(crew, run, mend=True)


@long
def test_half_open_links_are_given_up(crew: Fleet) -> None:
    """Packets vanish without a word for longer than any time-out; afterwards workers consume again."""
    run = crew.enqueue("silent", 2)
    with link(crew.broker.port) as road:
        crew.start(FLEET_BROKER_URL=f"redis://127.0.0.1:{road.port}/0")
        finish(crew, run)
        road.freeze()
        time.sleep(50)
        more = crew.enqueue("after", 2)
        road.thaw()
        back = time.monotonic()
        crew.wait(more, 60)
        print("done after", round(time.monotonic() - back, 1))
        finish(crew, more)


@long
def test_frozen_for_a_minute(crew: Fleet) -> None:
    run = crew.enqueue("frozen", 4)
    crew.site.hold = 600
    crew.start(wait=False)
    crew.site.wait_for(run.batches[0])
    crew.start()
    crew.broker.freeze()
    time.sleep(60)
    crew.broker.thaw()
    back = time.monotonic()
    crew.site.release()
    crew.wait(run, CONSUMING)
    print("done after", round(time.monotonic() - back, 1))
    finish(crew, run, mend=True)


def test_a_batch_that_met_a_broker_which_was_away_is_next(crew: Fleet) -> None:
    """It used to go behind all others: minutes, in a long queue."""
    run = crew.enqueue("next", 4)
    worker = crew.start(wait=False, app="tests.faults.no_broker")
    finish(crew, run)
    assert [event["culprit"] for event in worker.events("batch put back")] == ["the broker"]
    assert [one.batch for one in crew.site.attempts] == run.batches

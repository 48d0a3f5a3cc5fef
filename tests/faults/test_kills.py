"""A worker dies at every point of a batch's way, and nothing is lost but its time."""

import os
import signal
import time
from pathlib import Path

import pytest

from common.queue.kombu_queue import UNACKED, UNACKED_MUTEX
from common.queue.message import QUEUE
from tests.faults.checks import SLACK, counts, finish, long
from tests.faults.fleet import LOST_AFTER, Fleet
from tests.faults.waiting import slowness, until

pytestmark = pytest.mark.slow


def test_killed_while_downloading_while_sweeping_and_idle(crew: Fleet) -> None:
    run = crew.enqueue("killed", 2)
    crew.site.hold = 600
    victims = [crew.start(wait=False) for _ in run.batches]
    for batch in run.batches:
        crew.site.wait_for(batch)
    crew.site.hold = 0
    rescuer, idler = crew.start(), crew.start()
    crew.broker.client().set(UNACKED_MUTEX, "of a worker that died in its sweep", ex=5)
    idler.kill()
    began = time.time()
    victims[0].kill()
    victims[1].kill()
    again = [crew.site.wait_for(batch, LOST_AFTER + 5 + SLACK, count=2) for batch in run.batches]
    print("recovered after", [round(one.began - began, 1) for one in again])
    assert {one.worker for one in again} == {rescuer.name}
    finish(crew, run)
    assert [len(crew.site.of(batch)) for batch in run.batches] == [2, 2]


@long
def test_killed_as_soon_as_it_holds_the_claim(crew: Fleet) -> None:
    run = crew.enqueue("claimed", 1)
    victim = crew.start(wait=False)
    client = crew.broker.client()
    until(lambda: list(client.scan_iter("fleet:*:claim:*")), 30, "a claim", pause=0.0005)
    victim.kill()
    killed = time.time()
    crew.start()
    finish(crew, run)
    print("done after", time.time() - killed)
    assert time.time() - killed < (LOST_AFTER + 5 + SLACK) * slowness()


def test_what_a_frozen_worker_popped_is_lost_and_found(crew: Fleet) -> None:
    """Redis hands the message to a socket that nobody reads any more: no list and no hash has it."""
    run = crew.enqueue("popped", 1)
    client = crew.broker.client()
    client.rename("caption.v1", "aside")
    victim = crew.start()
    until(crew.broker.blocked, 10, "an idle worker")
    victim.signal_all(signal.SIGSTOP)
    client.rename("aside", "caption.v1")
    assert (client.llen("caption.v1"), client.hlen(UNACKED)) == (0, 0)
    victim.kill()
    crew.start()
    time.sleep(LOST_AFTER)
    assert run.done() == 0
    assert crew.requeue(run) == 1
    finish(crew, run)
    assert crew.requeue(run) == 0


@long
def test_killed_parent_leaves_its_child_no_second_shard(crew: Fleet) -> None:
    run = crew.enqueue("orphan", 1)
    crew.site.hold = 12
    victim = crew.start(wait=False)
    crew.site.wait_for(run.batches[0])
    victim.kill_parent()
    crew.start()
    until(run.done, 40, "the shard")
    time.sleep(2)
    finish(crew, run)


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGSEGV, marks=long)])
def test_killed_child_is_replaced_and_its_batch_counts(crew: Fleet, number: signal.Signals) -> None:
    run = crew.enqueue("child", 1)
    crew.site.hold = 600
    worker = crew.start(wait=False)
    first = crew.site.wait_for(run.batches[0])
    assert worker.kill_child(number)
    killed = time.time()
    again = crew.site.wait_for(run.batches[0], 5 + SLACK, count=2)
    print("running again after", again.began - killed)
    assert again.worker == first.worker
    assert counts(crew, "crashed") == {run.batches[0]: 1}
    finish(crew, run)
    assert counts(crew, "crashed") == {}


@long
def test_a_zombie_that_writes_late_finds_the_shard_there(crew: Fleet) -> None:
    run = crew.enqueue("zombie", 1)
    crew.site.hold = 600
    zombie = crew.start(wait=False)
    crew.site.wait_for(run.batches[0])
    zombie.signal_all(signal.SIGSTOP)
    crew.site.hold = 0
    crew.start()
    crew.site.wait_for(run.batches[0], LOST_AFTER + 5 + SLACK, count=2)
    until(run.done, 10, "the shard")
    shard = next(run.shards.rglob("*.parquet"))
    written = shard.stat()
    crew.site.release()
    zombie.signal_all(signal.SIGCONT)
    until(lambda: zombie.events("another worker's shard was first"), 20, "the late write")
    finish(crew, run)
    assert (shard.stat().st_ino, shard.stat().st_mtime_ns) == (written.st_ino, written.st_mtime_ns)
    assert len(crew.site.of(run.batches[0])) == 2


def test_the_batch_of_a_killed_child_is_begun_again_first(crew: Fleet) -> None:
    run = crew.enqueue("first", 6)
    crew.site.hold = 600
    worker = crew.start(wait=False)
    crew.site.wait_for(run.batches[0])
    assert worker.kill_child()
    crew.site.wait_for(run.batches[0], count=2)
    assert {one.batch for one in crew.site.attempts} == {run.batches[0]}, "no other batch came between"
    finish(crew, run)


SLOW_START = """
import sys, time
if "spawn_main" in " ".join(sys.orig_argv):
    time.sleep(15)
"""


@long
def test_a_message_stays_with_a_worker_whose_child_is_slow_to_start(crew: Fleet, tmp_path: Path) -> None:
    """The visibility timeout is 6 s, the child needs 15: the parent holds on."""
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "sitecustomize.py").write_text(SLOW_START)
    run = crew.enqueue("slow", 1)
    path = os.pathsep.join((str(tmp_path / "slow"), os.environ.get("PYTHONPATH", "")))
    crew.start(PYTHONPATH=path)
    other = crew.start()
    client = crew.broker.client()
    until(lambda: client.hlen(UNACKED) == 1, SLACK, "the message in a hand")
    while not run.done():
        assert (client.llen(QUEUE), client.hlen(UNACKED)) in {(0, 1), (0, 0)}
        time.sleep(0.1)
    assert not other.events("batch received")
    assert len(crew.site.attempts) == 1

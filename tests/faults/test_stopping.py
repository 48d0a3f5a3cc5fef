"""SIGTERM, as preemption, scaling down and every rollout send it."""

import time

import pytest

from common.queue.broker import UNACKED
from tests.faults.checks import SLACK, counts, finish, long
from tests.faults.fleet import Fleet
from tests.faults.waiting import until
from workers.delivery.stopping import GOODBYE
from workers.process.lifecycle import HEARTBEAT

pytestmark = pytest.mark.slow
GRACE = 2.0
LONG_GRACE = 8
"""Seconds: a stop takes all of them."""
LEFT = {"caption.v1": 1, "unacked": 0}


def left(crew: Fleet) -> dict[str, int]:
    client = crew.broker.client()
    return {"caption.v1": int(client.llen("caption.v1")), "unacked": int(client.hlen(UNACKED))}


def test_a_batch_that_needs_longer_is_put_back_within_the_grace_period(crew: Fleet) -> None:
    run = crew.enqueue("long", 1)
    crew.site.hold = 600
    worker = crew.start(wait=False)
    crew.site.wait_for(run.batches[0])
    began = time.monotonic()
    worker.terminate()
    until(lambda: left(crew) == LEFT, GRACE + 2, "the batch in the queue")
    print("queued after", time.monotonic() - began)
    worker.wait(GRACE + SLACK)
    print("gone after", time.monotonic() - began)
    assert worker.process.returncode == 0
    crew.start()
    finish(crew, run)
    assert counts(crew, "crashed") == counts(crew, "vanished") == {}


def test_a_batch_that_ends_in_time_is_finished(crew: Fleet) -> None:
    run = crew.enqueue("short", 1)
    crew.site.hold = 600
    worker = crew.start(wait=False, FLEET_LEASE_GRACE=str(LONG_GRACE))
    crew.site.wait_for(run.batches[0])
    worker.terminate()
    time.sleep(0.5)
    crew.site.release()
    worker.wait(LONG_GRACE + SLACK)
    assert run.done() == 1
    crew.start(wait=False)  # takes the message where a slow machine left no time to acknowledge it
    finish(crew, run)
    assert len(crew.site.attempts) == 1


@long
def test_it_ends_while_the_broker_is_away(crew: Fleet) -> None:
    """Celery itself waits here until the broker is back: it sends heartbeats while it stops."""
    run = crew.enqueue("away", 1)
    crew.site.hold = 600
    worker = crew.start(wait=False)
    crew.site.wait_for(run.batches[0])
    crew.broker.kill()
    time.sleep(HEARTBEAT + 1)
    worker.terminate()
    worker.wait(GRACE + GOODBYE + SLACK)
    crew.broker.start()
    crew.start()
    finish(crew, run)


@long
def test_a_second_sigterm_and_a_kill_at_the_end_of_the_grace_period_lose_nothing(crew: Fleet) -> None:
    run = crew.enqueue("twice", 2)
    crew.site.hold = 600
    impatient, slow = [crew.start(wait=False) for _ in range(2)]
    for batch in run.batches:
        crew.site.wait_for(batch)
    impatient.terminate()
    slow.terminate()
    time.sleep(0.3)
    impatient.terminate()
    time.sleep(GRACE - 0.5)
    slow.kill()
    impatient.wait(GRACE + SLACK)
    crew.start()
    finish(crew, run)


@long
def test_sigterm_while_the_child_starts(crew: Fleet) -> None:
    run = crew.enqueue("early", 1)
    worker = crew.start()
    worker.terminate()
    worker.wait(GRACE + SLACK)
    crew.start()
    finish(crew, run)


@long
@pytest.mark.timeout(400)
def test_twenty_sigterms_kill_no_batch(crew: Fleet) -> None:
    run = crew.enqueue("unlucky", 1)
    crew.site.hold = 600
    for number in range(20):
        worker = crew.start(wait=False)
        crew.site.wait_for(run.batches[0], count=number + 1)
        worker.terminate()
        worker.wait(GRACE + SLACK)
    assert counts(crew, "crashed") == counts(crew, "vanished") == {}
    crew.start()
    assert not finish(crew, run).dead

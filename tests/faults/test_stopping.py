"""Every way of telling a worker to stop: its batch ends or goes back, and nothing is counted."""

import signal
import time
from functools import partial

import pytest

from common.queue.kombu_queue import UNACKED
from tests.faults.checks import SLACK, counts, finish, long
from tests.faults.fleet import Fleet
from tests.faults.waiting import until
from workers.delivery.stopping import GOODBYE
from workers.process.lifecycle import HEARTBEAT

pytestmark = pytest.mark.slow
GRACE = 2.0
LONG_GRACE = 120
"""Seconds that nobody waits."""
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


def test_a_worker_ends_as_soon_as_its_batch_has_ended(crew: Fleet) -> None:
    run = crew.enqueue("short", 1)
    crew.site.hold = 600
    worker = crew.start(wait=False, FLEET_LEASE_GRACE=str(LONG_GRACE))
    crew.site.wait_for(run.batches[0])
    worker.terminate()
    until(partial(worker.events, "stopping"), SLACK, "the stop")
    crew.site.release()
    began = time.monotonic()
    worker.wait(SLACK)
    print("gone after", time.monotonic() - began)
    assert (worker.process.returncode, run.done()) == (0, 1)
    assert left(crew) == {"caption.v1": 0, "unacked": 0}, "the acknowledgement went through"
    assert len(crew.site.attempts) == 1


@pytest.mark.parametrize(
    ("signals", "code"),
    [
        ((signal.SIGINT, signal.SIGINT), 130),
        ((signal.SIGQUIT,), 131),
        pytest.param((signal.SIGTERM, signal.SIGINT), 130, marks=long),
        pytest.param((signal.SIGINT, signal.SIGQUIT), 131, marks=long),
    ],
)
def test_an_impatient_signal_gives_back_at_once(
    crew: Fleet, signals: tuple[signal.Signals, ...], code: int
) -> None:
    run = crew.enqueue("impatient", 1)
    crew.site.hold = 600
    worker = crew.start(wait=False, FLEET_LEASE_GRACE=str(LONG_GRACE))
    crew.site.wait_for(run.batches[0])
    for one in signals:
        worker.process.send_signal(one)
        until(partial(worker.events, "stopping"), SLACK, "the stop")
    worker.wait(SLACK)
    assert worker.process.returncode == code
    _require_no_trace(crew)


@long
@pytest.mark.parametrize("group", [False, True])
def test_a_closed_terminal_gives_back_within_the_grace_period(crew: Fleet, *, group: bool) -> None:
    run = crew.enqueue("hangup", 1)
    crew.site.hold = 600
    worker = crew.start(wait=False)
    crew.site.wait_for(run.batches[0])
    worker.signal_all(signal.SIGHUP) if group else worker.process.send_signal(signal.SIGHUP)
    worker.wait(GRACE + SLACK)
    assert worker.process.returncode == 129
    _require_no_trace(crew)


def _require_no_trace(crew: Fleet) -> None:
    """The batch waits in the queue; nothing was counted, and nothing says that a worker lives or is at it."""
    assert left(crew) == LEFT
    assert counts(crew, "crashed") == counts(crew, "vanished") == {}
    assert _signs(crew) == set()


def _signs(crew: Fleet) -> set[str]:
    """What says that a worker lives, or is at a batch."""
    client = crew.broker.client()
    return {str(key) for kind in ("worker:*", "*:attempts:open") for key in client.scan_iter(f"fleet:{kind}")}


@long
def test_ctrl_c_once_lets_the_batch_end(crew: Fleet) -> None:
    run = crew.enqueue("once", 1)
    crew.site.hold = 600
    worker = crew.start(wait=False)
    crew.site.wait_for(run.batches[0])
    worker.process.send_signal(signal.SIGINT)
    time.sleep(GRACE + 1)
    crew.site.release()
    worker.wait(SLACK)
    assert (worker.process.returncode, run.done()) == (130, 1)


@pytest.mark.parametrize(
    "seconds", [0.5, 2.0, *(pytest.param(seconds, marks=long) for seconds in (0.1, 1.0, 5.0))]
)
def test_sigterm_in_the_first_seconds(crew: Fleet, seconds: float) -> None:
    crew.enqueue("early", 1)
    crew.site.hold = 600
    worker = crew.start(wait=False)
    time.sleep(seconds)
    worker.terminate()
    worker.wait(GRACE + SLACK)
    assert worker.process.returncode in (0, -signal.SIGTERM)  # at its very start Python itself ends
    _require_no_trace(crew)


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

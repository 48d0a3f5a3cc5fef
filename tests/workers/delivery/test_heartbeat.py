"""The parent's signs in Redis: its life, and its hold on messages that no child has taken."""

from collections.abc import Iterator

import pytest
from celery.worker import state

from common.queue.app import CHILD_START_SECONDS, make_app, send
from common.queue.kombu_queue import UNACKED_INDEX
from common.queue.message import QUEUE, Message
from common.queue.workers import Workers
from common.settings import Settings
from tests.servers.valkey import Valkey
from workers.delivery.heartbeat import Heartbeat
from workers.delivery.request import FleetRequest
from workers.delivery.worker_id import new_worker_id, worker_id

MESSAGE = Message(run="/run", part="part-0123456789", first_row=0)
OLD = 1.0


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings(broker: Valkey) -> Settings:
    new_worker_id()
    return Settings(broker_url=broker.url)


@pytest.fixture
def request_(settings: Settings, clock: Clock) -> Iterator[FleetRequest]:
    """A message that the parent took from the queue, long ago by the broker's account."""
    app = make_app(settings)
    send(app, [MESSAGE])
    with app.connection_for_read() as connection:
        message = app.amqp.queues[QUEUE](connection.default_channel).get(no_ack=False)
        any_task = app.tasks["celery.backend_cleanup"]
        request = FleetRequest(message, app=app, task=any_task, clock=clock)
        state.task_reserved(request)
        yield request
        state.task_ready(request)


def lease_of(broker: Valkey, request: FleetRequest) -> float:
    return float(str(broker.client().zscore(UNACKED_INDEX, request.delivery_tag)))


def beat_on_old_lease(broker: Valkey, settings: Settings, request: FleetRequest) -> bool:
    """Whether a beat renewed the lease."""
    broker.client().zadd(UNACKED_INDEX, {request.delivery_tag: OLD})
    Heartbeat(settings).beat()
    return lease_of(broker, request) > OLD


def test_a_message_that_waits_for_its_child_stays_leased(
    broker: Valkey, settings: Settings, request_: FleetRequest
) -> None:
    assert beat_on_old_lease(broker, settings, request_)


def test_a_child_leases_by_itself_what_it_took(
    broker: Valkey, settings: Settings, request_: FleetRequest
) -> None:
    request_.on_accepted(pid=1, time_accepted=0.0)
    assert not beat_on_old_lease(broker, settings, request_)


def test_a_child_that_never_comes_up_keeps_no_message_for_ever(
    broker: Valkey, settings: Settings, request_: FleetRequest, clock: Clock
) -> None:
    clock.now = CHILD_START_SECONDS
    assert not beat_on_old_lease(broker, settings, request_)


def test_a_worker_that_leaves_is_neither_alive_nor_seen(broker: Valkey, settings: Settings) -> None:
    heartbeat, workers = Heartbeat(settings), Workers(broker.client())
    heartbeat.beat()
    assert (workers.is_alive(worker_id()), workers.count_seen(60)) == (True, 1)
    heartbeat.end()
    assert (workers.is_alive(worker_id()), workers.count_seen(60)) == (False, 0)

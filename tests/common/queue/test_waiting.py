"""Which batches still have a message."""

import json

import pytest
from celery import Celery

from common.queue.app import make_app, send
from common.queue.kombu_queue import UNACKED
from common.queue.message import QUEUE, Message
from common.queue.queued_batches import QueuedBatches
from common.queue.waiting import waiting_batches
from common.settings import Settings
from tests.servers.valkey import Valkey

RUN = "/data/run"


@pytest.fixture
def app(broker: Valkey) -> Celery:
    return make_app(Settings(broker_url=broker.url))


def enqueue(broker: Valkey, app: Celery, *numbers: int, run: str = RUN) -> list[str]:
    """One batch after the other, marked as a producer does it."""
    queued = QueuedBatches(broker.client(), run)
    batches = []
    for number in numbers:
        message = Message(run=run, part="part-0123456789", first_row=number)
        send(app, [message])
        queued.mark([message.batch_id])
        batches.append(message.batch_id)
    return batches


def test_an_empty_queue_has_none(broker: Valkey) -> None:
    QueuedBatches(broker.client(), RUN).mark(["lost"])
    assert waiting_batches(broker.client(), RUN) == set()


def test_all_that_were_queued_since_the_oldest_message_wait(broker: Valkey, app: Celery) -> None:
    batches = enqueue(broker, app, 0, 1, 2)
    assert waiting_batches(broker.client(), RUN) == set(batches)


def test_a_message_lost_behind_others_is_found(broker: Valkey, app: Celery) -> None:
    lost, *rest = enqueue(broker, app, 0, 1, 2)
    broker.client().rpop(QUEUE)  # by a worker that was killed before it could record it
    assert waiting_batches(broker.client(), RUN) == set(rest)
    assert lost in QueuedBatches(broker.client(), RUN).read()


def test_a_held_message_is_not_lost(broker: Valkey, app: Celery) -> None:
    batches = enqueue(broker, app, 0, 1)
    client = broker.client()
    client.hset(UNACKED, "tag", json.dumps([json.loads(str(client.rpop(QUEUE))), "", QUEUE]))
    assert waiting_batches(client, RUN) == set(batches)


def test_another_runs_messages_tell_the_time_and_are_not_this_runs(broker: Valkey, app: Celery) -> None:
    enqueue(broker, app, 0)
    broker.client().rpop(QUEUE)
    enqueue(broker, app, 0, run="/data/other")
    (later,) = enqueue(broker, app, 1)
    assert waiting_batches(broker.client(), RUN) == {later}


def test_a_foreign_message_in_front_leaves_every_batch_waiting(broker: Valkey, app: Celery) -> None:
    batches = enqueue(broker, app, 0, 1)
    broker.client().rpush(QUEUE, "{}")
    assert waiting_batches(broker.client(), RUN) == set(batches)


def test_messages_that_came_back_to_the_front_in_another_order_are_not_lost(
    broker: Valkey, app: Celery
) -> None:
    batches = enqueue(broker, app, 0, 1, 2, 3)
    client = broker.client()
    first, second = client.rpop(QUEUE), client.rpop(QUEUE)
    client.rpush(QUEUE, str(first))
    client.rpush(QUEUE, str(second))
    assert waiting_batches(client, RUN) == set(batches)

"""What strangers write into the queue stops nobody for long, and is kept for an operator to see."""

import json

import pytest

from common.queue.message import QUEUE
from common.queue.set_aside import SET_ASIDE
from tests.faults.adversary.messages import BROKEN, ORDERS, STRANGERS
from tests.faults.checks import finish
from tests.faults.fleet import Fleet

pytestmark = pytest.mark.slow


def test_foreign_messages_are_set_aside(crew: Fleet) -> None:
    run = crew.enqueue("strangers", 4)
    client = crew.broker.client()
    for message in STRANGERS.values():
        client.rpush(QUEUE, message)  # served first
    worker = crew.start()
    finish(crew, run)
    print("kept aside", client.llen(SET_ASIDE), "of", len(STRANGERS))
    assert worker.alive
    assert client.llen(SET_ASIDE) >= 4


def test_what_is_no_message_costs_no_worker(crew: Fleet) -> None:
    run = crew.enqueue("broken", 2)
    client = crew.broker.client()
    for message in BROKEN.values():
        client.rpush(QUEUE, message)
    worker = crew.start()
    finish(crew, run)
    assert worker.alive
    assert client.llen(SET_ASIDE) >= len(BROKEN)


def test_a_message_gives_celery_no_orders(crew: Fleet) -> None:
    """A time limit would kill healthy batches, a delay or an expiry would hide them."""
    run = crew.enqueue("orders", len(ORDERS))
    crew.site.hold = 2
    client = crew.broker.client()
    messages = [json.loads(str(raw)) for raw in client.lrange(QUEUE, 0, -1)]
    client.delete(QUEUE)
    for message, order in zip(messages, ORDERS, strict=True):
        message["headers"] |= order
        client.lpush(QUEUE, json.dumps(message))
    crew.start()
    finish(crew, run, 60)
    assert [len(crew.site.of(batch)) for batch in run.batches] == [1] * len(ORDERS)
    assert run.dead() == 0

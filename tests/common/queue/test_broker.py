"""What lies in the broker beneath Celery."""

import json

import pytest
from celery import Celery

from common.queue.app import MESSAGE_LIMIT, make_app, send
from common.queue.broker import broker_errors, connect
from common.queue.broker_url import BrokerError
from common.queue.broker_view import BrokerView
from common.queue.kombu_queue import (
    UNACKED,
    UNACKED_INDEX,
    first_waiting,
    forget_queue,
    held_messages,
    queue_length,
    renew_lease,
)
from common.queue.message import QUEUE, Message
from common.queue.set_aside import SET_ASIDE, SET_ASIDE_KEPT, set_aside
from common.settings import Settings
from tests.servers.ports import free_ports
from tests.servers.valkey import Valkey


@pytest.fixture
def app(broker: Valkey) -> Celery:
    return make_app(Settings(broker_url=broker.url))


def message(number: int) -> Message:
    return Message(run="/data/run", part="part-0123456789", first_row=number)


def hold(broker: Valkey, tag: str) -> None:
    """The oldest message in a worker's hands, as kombu notes it."""
    client = broker.client()
    client.hset(UNACKED, tag, json.dumps([json.loads(str(client.rpop(QUEUE))), "", QUEUE]))
    client.zadd(UNACKED_INDEX, {tag: 1.0})


def test_the_oldest_message_is_read_back_and_is_short(broker: Valkey, app: Celery) -> None:
    send(app, map(message, range(3)))
    client = broker.client()
    assert first_waiting(client, 1) == [message(0)]
    assert max(len(str(raw)) for raw in client.lrange(QUEUE, 0, -1)) <= MESSAGE_LIMIT


def test_waiting_and_held_messages_are_counted_apart(broker: Valkey, app: Celery) -> None:
    send(app, map(message, range(3)))
    hold(broker, "tag")
    length = queue_length(broker.client())
    assert (length.waiting, length.held, length.total) == (2, 1, 3)
    assert held_messages(broker.client()) == [message(0)]


def test_a_lease_is_renewed_only_while_it_is_held(broker: Valkey, app: Celery) -> None:
    send(app, [message(0)])
    hold(broker, "tag")
    client = broker.client()
    renew_lease(client, "tag")
    renew_lease(client, "lost")
    assert (client.zscore(UNACKED_INDEX, "tag") or 0) > 1.0
    assert client.zscore(UNACKED_INDEX, "lost") is None


def test_the_latest_rejected_messages_stay(broker: Valkey) -> None:
    client = broker.client()
    for number in range(SET_ASIDE_KEPT + 5):
        set_aside(client, str(number))
    kept = client.lrange(SET_ASIDE, 0, -1)
    assert (len(kept), kept[0], kept[-1]) == (SET_ASIDE_KEPT, str(SET_ASIDE_KEPT + 4), "5")


def test_a_forgotten_queue_is_empty(broker: Valkey, app: Celery) -> None:
    send(app, map(message, range(2)))
    hold(broker, "tag")
    forget_queue(broker.client())
    assert queue_length(broker.client()).total == 0


def test_a_probe_tells_an_empty_queue_from_a_full_one_and_from_no_broker(broker: Valkey, app: Celery) -> None:
    view = BrokerView(broker.url)
    assert (view.is_away(), view.has_waiting()) == (False, False)
    send(app, [message(0)])
    assert view.has_waiting()
    nowhere = BrokerView(f"redis://127.0.0.1:{free_ports(1)[0]}/0")
    assert (nowhere.is_away(), nowhere.has_waiting()) == (True, False)


def test_an_error_is_one_line_without_the_password() -> None:
    url = f"redis://:secret@127.0.0.1:{free_ports(1)[0]}/0"
    with pytest.raises(BrokerError, match="is the broker up") as raised, broker_errors(url):
        connect(url).ping()
    assert "secret" not in str(raised.value)

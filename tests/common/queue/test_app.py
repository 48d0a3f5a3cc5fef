"""The app beside other people's Celery."""

import os

import pytest
from celery import Celery

from common.queue.app import make_app, send
from common.queue.kombu_queue import UNACKED, held_messages
from common.queue.message import QUEUE, Message
from common.settings import Settings
from tests.servers.valkey import Valkey

MESSAGE = Message(run="/run", part="part-0123456789", first_row=0)


def test_a_strangers_broker_in_the_environment_is_ignored(
    broker: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://192.0.2.1:6379/0")
    app = make_app(Settings(broker_url=broker.url))
    send(app, [MESSAGE])
    assert broker.client().llen(QUEUE) == 1
    assert "CELERY_BROKER_URL" not in os.environ, "children must not find it either"


def test_a_foreign_app_on_the_same_database_keeps_its_messages(broker: Valkey) -> None:
    """Its held message is old; our sweep must not give it back."""
    client = broker.client()
    foreign = Celery("foreign", broker=broker.url, set_as_current=False)
    foreign.send_task("anything", queue="theirs")
    with foreign.connection_for_read() as connection:
        consumer = connection.SimpleQueue("theirs")
        consumer.get(timeout=5)
        client.zadd("unacked_index", {str(tag): 0.0 for tag in client.zrange("unacked_index", 0, -1)})
        app = make_app(Settings(broker_url=broker.url))
        with app.connection_for_read() as ours:
            ours.default_channel.qos.restore_visible()
        assert (client.hlen("unacked"), client.llen("theirs")) == (1, 0)
        consumer.close()


@pytest.mark.parametrize("junk", ["", "[]", "{}", "null", "[{}]", '[{"body": 7}]', "[[1]]", "no json"])
def test_junk_among_the_held_messages_is_nobodys(broker: Valkey, junk: str) -> None:
    broker.client().hset(UNACKED, "tag", junk)
    assert held_messages(broker.client()) == []

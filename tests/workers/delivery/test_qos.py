"""Kombu's account of deliveries against a broker that dies, and one that is full."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import redis
from kombu import Connection
from kombu.transport import virtual

from common.queue.app import make_app, send
from common.queue.broker import connect
from common.queue.kombu_queue import UNACKED, UNACKED_INDEX, give_back, held_messages
from common.queue.message import QUEUE, Message
from common.settings import Settings
from tests.servers.valkey import Valkey, valkey
from workers.delivery.qos import DeliveryQoS

MESSAGE = Message(run="/run", part="part-0123456789", first_row=0)


class Consumer:
    """A channel that takes one message at a time."""

    def __init__(self, server: Valkey) -> None:
        self.server, self.lost, self.unnoted = server, list[Exception](), list[virtual.Message]()
        app = make_app(Settings(broker_url=server.url))
        send(app, [MESSAGE])
        self.connection: Connection = app.connection_for_read()
        self.channel = self.connection.default_channel
        self.aside: list[str] = []
        self.channel.QoS = partial(
            DeliveryQoS,
            lost=self.lost.append,
            unnoted=self.unnoted,
            set_aside=lambda raw, _: self.aside.append(raw),
        )
        self.channel.basic_qos(0, 1, False)
        self.queue = app.amqp.queues[QUEUE](self.channel)

    def take(self) -> virtual.Message:
        message = self.queue.get(no_ack=False)
        assert message is not None
        return message


@pytest.fixture
def consumer(tmp_path: Path) -> Iterator[Consumer]:
    with valkey(tmp_path / "broker") as server:
        server.client().config_set("appendfsync", "always")  # what was noted outlives a kill
        made = Consumer(server)
        yield made
        made.channel.qos._on_collect.cancel()  # or kombu restores at the end of this process


@pytest.mark.parametrize("step", ["ack", "reject", "requeue"])
def test_a_failed_acknowledgement_frees_its_place(consumer: Consumer, step: str) -> None:
    message = consumer.take()
    assert not consumer.channel.qos.can_consume()
    consumer.server.kill()
    with pytest.raises(redis.ConnectionError):
        message.ack() if step == "ack" else message.reject(requeue=step == "requeue")
    assert consumer.channel.qos.can_consume()
    assert len(consumer.lost) == 1
    consumer.server.start()
    assert consumer.server.client().hlen(UNACKED) == 1, "it comes back when its lease ends"


def test_what_a_full_broker_does_not_note_is_kept_and_given_back(consumer: Consumer) -> None:
    client = consumer.server.client()
    client.config_set("maxmemory", "1")
    with pytest.raises(redis.ResponseError):
        consumer.take()
    assert (client.llen(QUEUE), client.hlen(UNACKED), len(consumer.unnoted)) == (0, 0, 1)
    raws = [message._raw for message in consumer.unnoted]
    with pytest.raises(redis.ResponseError):
        give_back(client, raws)
    client.config_set("maxmemory", "0")
    give_back(client, raws)
    assert (client.llen(QUEUE), client.hlen(UNACKED)) == (1, 0)


def test_a_rejected_message_goes_to_the_end_or_first(consumer: Consumer) -> None:
    client = consumer.server.client()
    consumer.queue.consume("one", lambda _: None)
    other = MESSAGE.model_copy(update={"first_row": 10})
    send(make_app(Settings(broker_url=consumer.server.url)), [other])
    consumer.take().reject(requeue=True)
    assert '"first_row"' not in str(client.lindex(QUEUE, -1))
    first = consumer.take()
    consumer.channel.qos.return_first(first.delivery_tag)
    first.reject(requeue=True)
    again = consumer.take()
    assert again.properties["delivery_tag"] == first.properties["delivery_tag"]


def test_what_a_stopping_worker_had_asked_for_goes_first(consumer: Consumer) -> None:
    """Its consumer is cancelled; the answer to its last request comes nevertheless."""
    client = consumer.server.client()
    send(make_app(Settings(broker_url=consumer.server.url)), [MESSAGE.model_copy(update={"first_row": 10})])
    first = str(client.rpop(QUEUE))
    consumer.channel.connection._deliver(json.loads(first), QUEUE)
    assert (client.llen(QUEUE), client.hlen(UNACKED)) == (2, 0)
    assert json.loads(str(client.lindex(QUEUE, -1)))["body"] == json.loads(first)["body"]


FOREIGN = [b"garbage", b"[1]", b"[1, 2, 3]", b"\xff\xfe", b"7", b'[{}, "", ""]', b"[" * 100_000]


def test_what_strangers_note_as_held_stops_no_sweep(consumer: Consumer) -> None:
    """A lost message is found behind every one of them."""
    consumer.take()
    client = consumer.server.client()
    client.zadd(UNACKED_INDEX, dict.fromkeys(map(str, client.hkeys(UNACKED)), 1.0))
    for number, raw in enumerate(FOREIGN):
        client.hset(UNACKED, f"stranger{number}", raw)
        client.zadd(UNACKED_INDEX, {f"stranger{number}": 100.0 + number})
    consumer.channel.qos.restore_visible(num=100, interval=1)
    assert client.llen(QUEUE) == 1
    assert client.hlen(UNACKED) == client.zcard(UNACKED_INDEX) == 0
    assert {"garbage", "[1]", "7"} <= set(consumer.aside)


def test_bytes_that_are_no_text_are_read_by_everyone(consumer: Consumer) -> None:
    consumer.server.client().hset(UNACKED, "stranger", b"\xff")
    assert held_messages(connect(consumer.server.url)) == []

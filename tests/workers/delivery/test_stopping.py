"""What each signal asks for, and what becomes of messages in hand; tests/faults has whole workers."""

import json
import math
import signal

import pytest

from common.queue.app import make_app, send
from common.queue.kombu_queue import UNACKED, UNACKED_INDEX, return_held
from common.queue.message import QUEUE, Message
from common.settings import Settings
from tests.servers.valkey import Valkey
from workers.delivery.stopping import Order, read_order

GRACE = 20.0


@pytest.mark.parametrize(
    ("number", "again", "order"),
    [
        (signal.SIGTERM, False, Order(GRACE, 0)),
        (signal.SIGHUP, False, Order(GRACE, 129)),
        (signal.SIGINT, False, Order(math.inf, 130)),
        (signal.SIGINT, True, Order(0, 130)),
        (signal.SIGQUIT, False, Order(0, 131)),
        (signal.SIGQUIT, True, Order(0, 131)),
    ],
)
def test_patience_and_exit_code(number: signal.Signals, *, again: bool, order: Order) -> None:
    assert read_order(number, GRACE, again=again) == order


def test_what_is_given_back_is_next_and_no_longer_held(broker: Valkey) -> None:
    app, client = make_app(Settings(broker_url=broker.url)), broker.client()
    send(app, [Message(run="/run", part="part-0123456789", first_row=row) for row in (0, 10)])
    raw = json.loads(str(client.rpop(QUEUE)))
    client.hset(UNACKED, raw["properties"]["delivery_tag"], json.dumps([raw, "", QUEUE]))
    return_held(client, [raw["properties"]["delivery_tag"], "nobody's"])
    assert (client.llen(QUEUE), client.hlen(UNACKED), client.zcard(UNACKED_INDEX)) == (2, 0, 0)
    assert json.loads(str(client.lindex(QUEUE, -1))) == raw

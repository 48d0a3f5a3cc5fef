"""Entries of the queue: a call of ours is put together anew, and all else is foreign."""

import json
from pathlib import Path
from typing import Any

import pytest
import redis

from common.queue.kombu_queue import LONGEST_ENTRY, first_waiting
from common.queue.message import QUEUE, TASK
from common.queue.set_aside import LONGEST
from tests.faults.adversary.messages import BROKEN, ORDERS, OURS, arguments, envelope
from tests.servers.valkey import valkey
from workers.delivery.envelope import ForeignEnvelopeError, refuse_long, require_envelope

BATCH = {"version": 1, "run": "/run", "part": "part-0123456789", "first_row": 0}


def ours(**changed: object) -> dict[str, Any]:
    """A call, in an envelope of which parts are changed."""
    tree = json.loads(envelope(TASK, arguments(**BATCH)))
    tree["properties"]["delivery_tag"] = "a-tag"
    return {**tree, **changed}


@pytest.mark.parametrize("kind", sorted(BROKEN.keys() - {"garbage", "content type"}))
def test_a_broken_entry_is_foreign(kind: str) -> None:
    with pytest.raises(ForeignEnvelopeError) as raised:
        require_envelope(json.loads(BROKEN[kind]))
    assert len(str(raised.value)) <= 200
    assert raised.value.raw.isascii()


def test_nothing_that_kombu_or_celery_would_obey_is_left() -> None:
    plain = require_envelope(ours())
    orders = {name: value for order in ORDERS for name, value in order.items()}
    loud = ours(headers=ours()["headers"] | orders | {"compression": "bzip2", "redelivered": True})
    loud["content-type"] = "application/x-python-serialize"
    loud["properties"] |= {
        "priority": 9, "reply_to": "x", "delivery_info": {"exchange": "x", "routing_key": "x" * 9000},
    }  # fmt: skip
    assert require_envelope(loud) == plain
    assert plain["properties"]["delivery_info"] == {"exchange": "", "routing_key": QUEUE}


def test_what_was_put_together_is_ours_again() -> None:
    """A message goes back to the queue, and comes again."""
    once = require_envelope(ours())
    assert require_envelope(once) == once


@pytest.mark.parametrize("field", [[], {}, [[]] * 10], ids=str)
def test_a_field_is_a_plain_value(field: object) -> None:
    body = json.loads(envelope(TASK, arguments(**{**OURS, "run": field})))
    with pytest.raises(ForeignEnvelopeError):
        require_envelope(body)


def test_an_entry_longer_than_any_of_ours_is_not_looked_into(tmp_path: Path) -> None:
    with valkey(tmp_path / "broker") as server, redis.Redis(port=server.port) as client:
        client.parse_response = refuse_long(client.parse_response)
        client.lpush(QUEUE, json.dumps(ours()), "[" * (LONGEST_ENTRY + 1))
        assert first_waiting(server.client(), 2)[0] is None
        assert json.loads(client.brpop([QUEUE], timeout=1)[1]) == ours()
        with pytest.raises(ForeignEnvelopeError, match="it has 100001 bytes") as raised:
            client.brpop([QUEUE], timeout=1)
        assert raised.value.raw == "[" * LONGEST
        assert client.llen(QUEUE) == 0

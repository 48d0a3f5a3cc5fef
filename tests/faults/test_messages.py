"""What strangers write into the queue stops nobody for long, and is kept for an operator to see."""

import base64
import json
import pickle
import time

import pytest

from common.queue.broker import SET_ASIDE
from common.queue.message import QUEUE, TASK
from tests.faults.checks import finish
from tests.faults.fleet import Fleet

pytestmark = pytest.mark.slow
HUGE = 10_000_000


def envelope(task: str, body: bytes, **changed: object) -> str:
    """A message as kombu writes it."""
    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {"lang": "py", "task": task, "id": "stranger", "root_id": "stranger", "argsrepr": ""},
            "properties": {
                "correlation_id": "stranger",
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": QUEUE},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": f"tag-{time.monotonic_ns()}",
            },
            **changed,
        }
    )


def arguments(**fields: object) -> bytes:
    return json.dumps(
        [[], fields, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    ).encode()


OURS = {"version": 1, "run": "/etc", "part": "part", "first_row": 0}
STRANGERS = {
    "unknown task": envelope("somebody.elses", arguments()),
    "pickle": envelope(TASK, pickle.dumps(OURS), **{"content-type": "application/x-python-serialize"}),
    "not json": envelope(TASK, b"\xff\xfe{"),
    "foreign run": envelope(TASK, arguments(**OURS)),
    "old protocol": envelope(
        TASK, json.dumps({"task": TASK, "id": "old", "args": [], "kwargs": OURS}).encode(), headers={}
    ),
    "version 7": envelope(TASK, arguments(**{**OURS, "version": 7})),
    "too large": envelope(TASK, arguments(**OURS, padding="x" * HUGE)),
    "path": envelope(TASK, arguments(**{**OURS, "part": "../../etc"})),
}
BROKEN = {
    "body is a list of one": envelope(TASK, b"[1]"),
    "body is an object": envelope(TASK, b'{"a": 1}'),
    "no body": json.dumps({k: v for k, v in json.loads(envelope(TASK, b"")).items() if k != "body"}),
    "body is no base64": json.dumps(json.loads(envelope(TASK, b"")) | {"body": "%%%"}),
    "content type": envelope(TASK, arguments(**OURS), **{"content-type": "application/data"}),
    "task is an object": envelope(TASK, arguments(**OURS), headers={"task": {}, "id": "x"}),
    "id is an object": envelope(TASK, arguments(**OURS), headers={"task": TASK, "id": {}}),
    "headers are a list": envelope(TASK, arguments(**OURS), headers=[1]),
    "no properties": json.dumps({"body": "", "headers": {}}),
    "no tag": envelope(TASK, arguments(**OURS), properties={"body_encoding": "base64"}),
    **{raw: raw for raw in ("garbage", "{}", "[]", "null", "7", '{"body": 1}')},
}


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
    run = crew.enqueue("orders", 3)
    crew.site.hold = 3
    client = crew.broker.client()
    orders = ({"timelimit": [1, 1]}, {"eta": "2100-01-01T00:00:00"}, {"expires": "2001-01-01T00:00:00"})
    messages = [json.loads(str(raw)) for raw in client.lrange(QUEUE, 0, -1)]
    client.delete(QUEUE)
    for message, order in zip(messages, orders, strict=True):
        message["headers"] |= order
        client.lpush(QUEUE, json.dumps(message))
    crew.start()
    finish(crew, run, 60)
    assert [len(crew.site.of(batch)) for batch in run.batches] == [1, 1, 1]
    assert run.dead() == 0

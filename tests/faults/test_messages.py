"""What strangers write into the queue stops nobody for long, and is kept for an operator to see."""

import base64
import json
import pickle
import time

import pytest

from common.queue.broker import SET_ASIDE
from common.queue.message import QUEUE, TASK
from tests.faults.checks import finish, long
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
GARBAGE = ("garbage", *(pytest.param(raw, marks=long) for raw in ("{}", "[]", "null", '{"body": 1}')))


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


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_costs_at_most_one_start(crew: Fleet, garbage: str) -> None:
    run = crew.enqueue("garbage", 2)
    crew.broker.client().rpush(QUEUE, garbage)
    crew.start(wait=False)
    finish(crew, run, mend=True, restart=True)
    print("starts that it took", len(crew.workers))
    assert len(crew.workers) <= 2

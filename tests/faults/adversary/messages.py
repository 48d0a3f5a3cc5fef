"""What strangers write into the queue."""

import base64
import json
import pickle
import random
import time
import zlib
from collections.abc import Iterator
from typing import Any

import redis

from common.queue.kombu_queue import UNACKED, UNACKED_INDEX
from common.queue.message import QUEUE, TASK

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


OURS: dict[str, Any] = {"version": 1, "run": "/etc", "part": "part", "first_row": 0}
PROPERTIES: dict[str, Any] = {
    "body_encoding": "base64",
    "delivery_info": {"exchange": "", "routing_key": QUEUE},
}
NO_TAGS: tuple[object, ...] = (None, True, 0, 1.5, [], {}, "", "x" * 10_000, "\ud800")
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
    **{
        f"tag {tag!r:.20}": envelope(TASK, arguments(**OURS), properties=PROPERTIES | {"delivery_tag": tag})
        for tag in NO_TAGS
    },
    "properties are a list": envelope(TASK, arguments(**OURS), properties=[]),
    "headers of kombu's own types": envelope(
        TASK, arguments(**OURS), headers={"task": {"__type__": "decimal", "__value__": "1"}}
    ),
    "compressed": envelope(
        TASK,
        zlib.compress(bytes(HUGE)),
        headers={"task": TASK, "id": "x", "compression": "application/x-gzip"},
    ),
    "deep": envelope(TASK, b'[[], {"run": ' + b"[" * 900 + b"]" * 900 + b"}, {}]"),
    **{raw: raw for raw in ("garbage", "{}", "[]", "null", "7", '{"body": 1}')},
}
ORDERS: tuple[dict[str, object], ...] = (
    {"timelimit": [1, 1]},
    {"eta": "2100-01-01T00:00:00"},
    {"expires": "2001-01-01T00:00:00"},
    {"retries": 10**9},
    {"group": "x", "chord": {"task": "x"}},
    {"ignore_result": False, "replaced_task_nesting": 10**6},
)


def mutate(raw: str, chance: random.Random) -> str:
    """A message with one of its values changed, or some of its characters."""
    if chance.random() < 0.5:
        at = chance.randrange(len(raw))
        return raw[:at] + chr(chance.randrange(32, 500)) * chance.randrange(3) + raw[at + 1 :]
    tree = json.loads(raw)
    branch = chance.choice([tree, tree["headers"], tree["properties"]])
    values: list[Any] = [None, [], {}, 0, -1, 1e308, "", "x" * 1000, [[]] * 10, {"": {}}, True]
    branch[chance.choice(sorted(branch))] = chance.choice(values)
    return json.dumps(tree)


def hold_rubbish(client: redis.Redis, chance: random.Random) -> None:
    """Note as held by a worker, long ago, what is no message."""
    tag = f"stranger-{chance.random()}"
    rubbish = [b"garbage", b"[1]", b"[1, 2, 3]", b"\xff", b'[{}, "", ""]', chance.randbytes(100)]
    client.hset(UNACKED, tag, chance.choice(rubbish))
    client.zadd(UNACKED_INDEX, {tag: chance.random()})


def hostile_messages(healthy: str, output: str, chance: random.Random) -> Iterator[str]:
    """Messages without end: those above, damaged and commanding copies of a healthy one, and foreign runs.

    Args:
        healthy: a message of a run that is under way, as it lies in the queue.
        output: that the workers serve.
        chance: of what comes next.
    """
    places = [
        f"{output}/none", f"{output}/evil/run.json", f"{output}/../x", "http://127.0.0.1:1/x", "s3://bucket/run",
        f"{output}/" + "\N{CJK UNIFIED IDEOGRAPH-4E00}" * 90, f"{output}/a\0b",
    ]  # fmt: skip
    known = [*STRANGERS.values(), *BROKEN.values()]
    while True:
        match chance.randrange(4):
            case 0:
                yield chance.choice(known)
            case 1:
                yield mutate(healthy, chance)
            case 2:
                tree = json.loads(healthy)
                tree["headers"] |= chance.choice(ORDERS)
                yield json.dumps(tree)
            case _:
                yield envelope(TASK, arguments(**{**OURS, "run": chance.choice(places)}))

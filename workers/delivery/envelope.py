"""Untrusted messages: ours are calls of one task, and are put together anew before kombu or Celery see them.

kombu would inflate a compressed body, and note, sort and return a message by what its properties say; Celery
would take time limits, delays, expiry and retries from its headers.
"""

import base64
import json
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, Literal

from kombu.transport import virtual
from pydantic import BaseModel, ConfigDict, Field

from common.console.words import quote
from common.queue.kombu_queue import LONGEST_ENTRY
from common.queue.message import QUEUE, TASK
from common.queue.set_aside import LONGEST

LONGEST_BODY = 10_000
"""Characters; ours take some 500."""

Name = Annotated[str, Field(min_length=1, max_length=255)]
Fields = dict[str, str | int | float | bool | None]


class ForeignEnvelopeError(Exception):
    """An entry of the queue that is no call of ours.

    Args:
        reason: why not.
        raw: the entry, for an operator to inspect.
    """

    def __init__(self, reason: str, raw: str) -> None:
        super().__init__(reason)
        self.raw = raw


class _Part(BaseModel):
    model_config = ConfigDict(strict=True)


class _Headers(_Part):
    task: Literal["caption.batch.v1"]  # TASK
    id: Name


class _Properties(_Part):
    delivery_tag: Name
    body_encoding: Literal["base64"]


class _Envelope(_Part):
    body: Annotated[str, Field(max_length=LONGEST_BODY)]
    headers: _Headers
    properties: _Properties


class _Call(_Part):
    positional: Annotated[list[Any], Field(max_length=0)]
    fields: Fields


def require_envelope(raw: object) -> dict[str, Any]:
    """The same message with its tag, its task's id and its fields, and nothing else.

    Args:
        raw: an entry of the queue, from JSON.

    Raises:
        ForeignEnvelopeError: it is no call of our task.
    """
    try:
        envelope = _Envelope.model_validate(raw)
        positional, fields, _ = json.loads(base64.b64decode(envelope.body))
        call = _Call(positional=positional, fields=fields)
    except Exception as error:  # strangers' entries raise anything, RecursionError too
        reason = quote(f"it is no call of our task: {error}")
        raise ForeignEnvelopeError(reason, json.dumps(raw, default=repr)) from error
    return _rebuild(envelope, call.fields)


def refuse_long(parse_response: Callable[..., Any]) -> Callable[..., Any]:
    """A client's `parse_response` that makes nothing of an entry which is longer than any of ours.

    JSON of half a gigabyte would take ten times as much.
    """

    @wraps(parse_response)
    def parse_short(connection: Any, command: str, **options: Any) -> Any:
        """As the client's.

        Raises:
            ForeignEnvelopeError: an entry has more than `LONGEST_ENTRY` bytes.
        """
        answer = parse_response(connection, command, **options)
        if command == "BRPOP" and answer and len(answer[1]) > LONGEST_ENTRY:
            start = answer[1][:LONGEST]
            reason = f"it has {len(answer[1])} bytes, more than any call of our task"
            raise ForeignEnvelopeError(reason, start.decode(errors="replace"))
        return answer

    return parse_short


def _rebuild(envelope: _Envelope, fields: Fields) -> dict[str, Any]:
    task_id = envelope.headers.id
    return {
        "body": base64.b64encode(json.dumps([[], fields, {}]).encode()).decode(),  # no callbacks, no chain
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"lang": "py", "task": TASK, "id": task_id, "root_id": task_id},
        "properties": {
            "correlation_id": task_id,
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": QUEUE},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": envelope.properties.delivery_tag,
        },
    }


class FleetMessage(virtual.Message):  # type: ignore[misc]
    """A message of ours.

    Raises:
        ForeignEnvelopeError: it is none.
    """

    def __init__(self, payload: object, channel: virtual.Channel | None = None, **options: Any) -> None:
        super().__init__(require_envelope(payload), channel=channel, **options)

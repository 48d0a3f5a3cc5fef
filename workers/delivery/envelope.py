"""Untrusted messages: ours are calls of one task, and give Celery no orders."""

import json
from typing import Any

from kombu.transport import virtual

from common.queue.message import TASK

KEPT_HEADERS = ("id", "task", "lang", "root_id", "origin", "argsrepr", "kwargsrepr")
"""Headers that Celery needs; the others would set time limits, delays, expiry or retries."""


class ForeignEnvelopeError(Exception):
    """A message that Celery could not take."""


def require_envelope(message: virtual.Message) -> None:
    """Check headers and body, and strip them of everything but the batch.

    Raises:
        ForeignEnvelopeError: it is no task of ours.
    """
    fields = _require_fields(message)
    headers = message.headers
    if not isinstance(headers, dict) or headers.get("task") != TASK or not isinstance(headers.get("id"), str):
        raise ForeignEnvelopeError("its headers name no task of ours")
    message.headers = {name: headers[name] for name in KEPT_HEADERS if isinstance(headers.get(name), str)}
    message.body = json.dumps([[], fields, {}])  # no callbacks, no chain
    message._decoded_cache = None  # noqa: SLF001 - of the body before


def _require_fields(message: virtual.Message) -> dict[str, Any]:
    try:
        arguments, fields, _ = message.decode()
    except Exception as error:
        raise ForeignEnvelopeError(f"its body is no call of a task: {type(error).__name__}") from error
    if arguments or not isinstance(fields, dict):
        raise ForeignEnvelopeError("its body is no call of our task")
    return fields

"""A name for this worker that no other start of it shares."""

import os
import uuid

VARIABLE = "CAPTION_WORKER_ID"


def new_worker_id() -> None:
    """Name the worker; called once in the parent, whose children inherit the name."""
    os.environ[VARIABLE] = uuid.uuid4().hex


def worker_id() -> str:
    """The name that the parent gave."""
    return os.environ[VARIABLE]

"""A Celery app as its documentation has it, with late acknowledgement: what the fleet is measured against."""

import os
from pathlib import Path

from celery import Celery

QUEUE = "plain"
app = Celery("plain", broker=os.environ["PLAIN_BROKER_URL"])
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_default_queue=QUEUE,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    # Shorter than by default, so that nobody waits an hour for what can still be restored.
    broker_transport_options={
        "visibility_timeout": 5,
        "unacked_restore_interval": 2,
        "unacked_restore_throttle": 1,
        "unacked_mutex_expire": 5,
    },
)


@app.task(name="plain.note")  # type: ignore[untyped-decorator]
def note(number: int) -> None:
    """Leave a mark that survives any kill."""
    with Path(os.environ["PLAIN_MARKS"]).open("ab", buffering=0) as file:
        file.write(b"%d\n" % number)

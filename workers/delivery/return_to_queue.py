"""A message goes back to the queue, after a pause."""

import time
from typing import NoReturn

from celery.exceptions import Reject

from common.queue.broker import connect
from common.queue.last_return import Return
from common.queue.message import Message
from common.queue.queued_batches import QueuedBatches
from common.settings import Settings
from workers.delivery.errors import RejectToFront
from workers.delivery.outage import tolerating_outage
from workers.delivery.replacement import end_process


def return_to_queue(
    message: Message,
    why: Return,
    pause: float,
    settings: Settings,
    *,
    keeps_place: bool = False,
    ends_process: bool = False,
) -> NoReturn:
    """Tell why, wait, and reject the message.

    It goes to the end of the queue, and its batch is marked as queued now; or to the front, where it was,
    with the mark that it has.

    Args:
        message: of the batch.
        why: it goes back.
        pause: in seconds.
        settings: of this worker.
        keeps_place: the message goes to the front.
        ends_process: this process can do no other batch either, and is to be replaced.

    Raises:
        Reject: the process goes on.
        SystemExit: it ends.
    """
    with tolerating_outage(), connect(settings.broker_url) as client:
        why.write(client, message.run)
    time.sleep(pause)
    if keeps_place:
        raise RejectToFront(why.reason, requeue=True)
    with tolerating_outage(), connect(settings.broker_url) as client:
        QueuedBatches(client, message.run).mark([message.batch_id])
    if ends_process:
        end_process()
    raise Reject(why.reason, requeue=True)

"""SIGTERM to worker after worker: is the batch back in the queue within the grace period, every time?"""

import random
import time

from common.queue.kombu_queue import held_messages
from common.queue.message import QUEUE
from tests.faults.fleet import Fleet, Worker
from tests.faults.ledger import summary
from tests.faults.storm import tell

GRACE = 2.0
TOLD_EVERY = 20
AT_ONCE = 2


def stop_often(crew: Fleet, tries: int, chance: random.Random, deadline: float) -> dict[str, object]:
    """Stop busy workers, and see where each batch is when its worker has gone.

    Returns:
        tries, how often the batch was back, seconds until the batch was back and until the process had gone.
    """
    crew.enqueue("stops", tries + 10)
    crew.site.hold = 600
    back: list[float] = []
    gone: list[float] = []
    lost = 0
    waiting = [crew.start(wait=False) for _ in range(AT_ONCE)]
    for number in range(tries):
        if time.monotonic() > deadline:
            break
        worker = waiting.pop(0)
        waiting.append(crew.start(wait=False))
        batch = _batch_of(crew, worker)
        time.sleep(chance.uniform(0, 0.5))
        seconds = _stop(crew, worker, batch, gone)
        back += [] if seconds is None else [seconds]
        lost += seconds is None
        if number % TOLD_EVERY == TOLD_EVERY - 1:
            tell(f"{number + 1}/{tries} stops, {lost} not back in time")
    for worker in waiting:
        worker.kill()
    return {
        "tries": len(back) + lost,
        "back": len(back),
        "back_seconds": summary(back),
        "gone_seconds": summary(gone),
    }


def _batch_of(crew: Fleet, worker: Worker, seconds: float = 60) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for attempt in crew.site.open_attempts(worker.name):
            return attempt.batch
        time.sleep(0.01)
    raise TimeoutError(f"{worker.name} began nothing in {seconds} s")


def _stop(crew: Fleet, worker: Worker, batch: str, gone: list[float]) -> float | None:
    """Seconds until the batch was no longer held and waited in the queue, or was begun by another worker."""
    before = len(crew.site.of(batch))
    began, found = time.monotonic(), None
    worker.terminate()
    while found is None and time.monotonic() - began < GRACE + 3:
        if _is_back(crew, batch) or len(crew.site.of(batch)) > before:
            found = time.monotonic() - began
        time.sleep(0.02)
    worker.process.wait(60)
    gone.append(time.monotonic() - began)
    return found


def _is_back(crew: Fleet, batch: str) -> bool:
    client = crew.broker.client()
    held = {message.batch_id for message in held_messages(client)}
    waiting = [str(message) for message in client.lrange(QUEUE, 0, -1)]
    return batch not in held and any(f'"{batch}"' in message for message in waiting)

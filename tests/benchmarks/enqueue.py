"""What queueing costs: `python -m tests.benchmarks.enqueue`.

Our `send` beside plain `send_task`, in turns over one broker, medians and their ratio; bytes of Redis for a
queued batch, projected to all of LAION-5B; and a run that is queued again after the broker was wiped.
Prints one JSON object.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from celery import Celery

from common.console.logs import configure_logs
from common.queue.app import make_app, send
from common.queue.message import TASK, Message
from common.queue.queued_batches import QueuedBatches
from common.run.batch import ROW_DIGITS
from common.settings import Settings
from producer.enqueue import enqueue
from producer.options import EnqueueOptions
from producer.requeue import requeue
from tests.faults.broker import Broker, broker, servers

RUN = "s3://captions-of-some-laboratory/runs/laion5b-2026"
PART = "part-00000-5b54c5d5-bbcf-48-a7c3f2e9d1"
BATCH_ROWS = 10_000
LAION_5B = 585_000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=3000, help="of one turn (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="(%(default)s)")
    parser.add_argument("--memory", type=int, default=50_000, help="batches whose bytes count (%(default)s)")
    parser.add_argument("--wiped", type=int, default=100_000, help="batches queued again (%(default)s)")
    parser.add_argument("--server", choices=servers(), default="valkey", help="(%(default)s)")
    options = parser.parse_args()
    configure_logs()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with broker(folder / "broker", server=options.server, sync="no-file") as redis:
            report = {
                "speed": speed(redis, options.messages, options.rounds),
                "memory": memory(redis, options.memory),
                "wiped": wiped(redis, folder, options.wiped),
            }
    print(json.dumps(report, indent=1))


def messages(count: int) -> list[Message]:
    return [Message(run=RUN, part=PART, first_row=number * BATCH_ROWS) for number in range(count)]


def speed(redis: Broker, count: int, rounds: int) -> dict[str, object]:
    """Messages a second, ours and plain, and the median of the ratios of each round."""
    ours = make_app(Settings(broker_url=redis.url))
    plain = Celery("plain", broker=redis.url, set_as_current=False)
    batches = messages(count)
    rates = [(_rate(redis, ours, batches), _plain_rate(redis, plain, batches)) for _ in range(rounds)]
    return {
        "ours_per_second": round(statistics.median(our for our, _ in rates)),
        "send_task_per_second": round(statistics.median(theirs for _, theirs in rates)),
        "ratio": round(statistics.median(our / theirs for our, theirs in rates), 2),
        "ratios": [round(our / theirs, 2) for our, theirs in rates],
    }


def _rate(redis: Broker, app: Celery, batches: Sequence[Message]) -> float:
    """As `producer enqueue` does it, marks included."""
    redis.client().flushall()
    queued = QueuedBatches(redis.client(), RUN)
    began = time.perf_counter()
    for start in range(0, len(batches), 500):
        chunk = batches[start : start + 500]
        send(app, chunk)
        queued.mark(message.batch_id for message in chunk)
    return len(batches) / (time.perf_counter() - began)


def _plain_rate(redis: Broker, app: Celery, batches: Sequence[Message]) -> float:
    redis.client().flushall()
    began = time.perf_counter()
    for message in batches:
        app.send_task(TASK, kwargs=message.model_dump(), task_id=message.batch_id)
    return len(batches) / (time.perf_counter() - began)


def memory(redis: Broker, count: int) -> dict[str, object]:
    """Bytes of one queued batch: its message, and its mark in the run's set."""
    client = redis.client()
    client.flushall()
    before = int(client.info("memory")["used_memory"])
    _rate(redis, make_app(Settings(broker_url=redis.url)), messages(count))
    each = (int(client.info("memory")["used_memory"]) - before) / count
    return {
        "batches": count,
        "longest_message_bytes": max(len(str(one)) for one in client.lrange("caption.v1", 0, 99)),
        "bytes_each": round(each),
        "laion_5b_megabytes": round(each * LAION_5B / 1e6),
    }


def wiped(redis: Broker, folder: Path, count: int) -> dict[str, object]:
    """Seconds until a run is queued again after FLUSHALL."""
    path = folder / f"part-{'0' * ROW_DIGITS}.parquet"
    pq.write_table(pa.table({"URL": ["http://192.0.2.1/"] * count, "TEXT": [""] * count}), path)
    output = str(folder / "run")
    settings = Settings(broker_url=redis.url, output=output, models="fake")
    began = time.perf_counter()
    sent = enqueue([str(path)], output, settings, EnqueueOptions(batch_rows=1)).sent
    queued = time.perf_counter() - began
    redis.client().flushall()
    began = time.perf_counter()
    again = requeue(output, settings, dead=False).sent
    seconds = time.perf_counter() - began
    return {
        "batches": sent,
        "enqueue_seconds": round(queued, 1),
        "again": again,
        "seconds": round(seconds, 1),
    }


if __name__ == "__main__":
    main()

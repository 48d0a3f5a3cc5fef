"""A planned run whose rows need no network, and deliveries of its batches in this process."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import redis

from common.queue.attempts import AttemptBook
from common.queue.live import LiveRun
from common.queue.message import Message
from common.queue.queued_batches import QueuedBatches
from common.queue.workers import Workers
from common.run.manifest import read_parts
from common.settings import Settings
from common.store import Store, open_store
from producer.cli import main
from tests.processes import run_here
from tests.servers.valkey import Valkey
from workers.delivery.deliver import deliver
from workers.delivery.worker_id import new_worker_id, worker_id

BATCHES = 5
ROWS = 2


@dataclass
class Delivery:
    """The run, its broker, and a worker in this process."""

    settings: Settings
    client: redis.Redis
    store: Store
    part: Path

    @property
    def batches(self) -> list[str]:
        (part,) = read_parts(self.store)
        return [batch.id for batch in part.batches(ROWS)]

    @property
    def book(self) -> AttemptBook:
        return AttemptBook(self.client, self.store.uri)

    @property
    def live(self) -> LiveRun:
        return LiveRun(self.client, self.store.uri)

    @property
    def queued(self) -> QueuedBatches:
        return QueuedBatches(self.client, self.store.uri)

    @property
    def workers(self) -> Workers:
        return Workers(self.client)

    def message(self, number: int) -> dict[str, Any]:
        (part,) = read_parts(self.store)
        return Message(run=self.store.uri, part=part.id, first_row=number * ROWS).model_dump()

    def deliver(self, number: int, **settings: object) -> None:
        """The message of a batch arrives."""
        request = SimpleNamespace(hostname="here", properties={"delivery_tag": "tag"})
        deliver(
            SimpleNamespace(request=request), self.message(number), self.settings.model_copy(update=settings)
        )

    def be_another_worker(self) -> str:
        new_worker_id()
        self.workers.beat(worker_id(), 60)
        return worker_id()


@pytest.fixture
def delivery(broker: Valkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Delivery:
    monkeypatch.setattr("time.sleep", lambda _: None)  # pauses before a return
    part, output = tmp_path / "part.parquet", tmp_path / "run"
    pq.write_table(pa.table({"URL": [None] * (BATCHES * ROWS)}, pa.schema({"URL": pa.string()})), part)
    environment = {"FLEET_BROKER_URL": broker.url, "FLEET_OUTPUT": str(output), "FLEET_MODELS": "fake"}
    done = run_here(main, "enqueue", part, "--batch-rows", ROWS, environment=environment)
    assert done.returncode == 0, done.stderr
    settings = Settings(broker_url=broker.url, output=str(output), models="fake")
    made = Delivery(settings, broker.client(), open_store(str(output), settings.s3), part)
    made.be_another_worker()
    return made

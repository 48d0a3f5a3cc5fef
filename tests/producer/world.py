"""A run of three batches whose shards are made without a worker, and a broker."""

import json
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from common.queue.message import QUEUE
from common.run.batch import Batch
from common.run.manifest import read_parts, read_run
from common.run.schema import SHARD
from common.run.status import Status
from common.settings import S3Settings
from common.store import Store, open_store
from producer.cli import main
from tests.processes import run_here
from tests.samples import write_part
from tests.servers.valkey import Valkey
from workers.batch.outcome import Outcome
from workers.batch.shard import shard_bytes
from workers.captions import Captions

CAPTIONS = Captions(("a dog",), (0.3,), ("a dog",), (0.5,), "a dog")
GOOD = Outcome(Status.OK, None, "ab", CAPTIONS)


@dataclass
class World:
    """A run of three batches of ten rows, and a broker."""

    broker: Valkey
    store: Store
    environment: dict[str, str]
    batches: list[Batch]

    def command(self, *arguments: str) -> tuple[int, str, str]:
        answer = run_here(main, *arguments, environment=self.environment)
        return answer.returncode, answer.stdout, answer.stderr

    def verify(self) -> tuple[int, dict[str, object]]:
        code, out, _ = self.command("verify", "--json")
        return code, json.loads(out)

    def waiting(self) -> int:
        return int(self.broker.client().llen(QUEUE))

    def finish(self, batch: Batch, outcomes: list[Outcome] | None = None) -> None:
        self.store.create(batch.shard_key, self.shard(batch, outcomes))

    def shard(self, batch: Batch, outcomes: list[Outcome] | None = None) -> bytes:
        run = read_run(self.store)
        assert run is not None
        numbers = range(batch.first_row, batch.first_row + batch.rows)
        texts = {
            "URL": [f"http://192.0.2.1/{row}.jpg" for row in numbers],
            "TEXT": [f"text {row}" for row in numbers],
        }
        rest = [name for name in SHARD.names[:11] if name not in {*texts, "top_caption", *SHARD.names[3:5]}]
        rows = pa.table({**texts, **{name: pa.nulls(batch.rows, SHARD.field(name).type) for name in rest}})
        provenance = {"run": self.store.uri, **run.model_dump(mode="json", include={"models", "sampling"})}
        return shard_bytes(rows, outcomes or [GOOD] * batch.rows, batch, provenance)


def make_world(broker: Valkey, outside: Path) -> World:
    write_part(outside / "in.parquet", 30)
    store = open_store(str(outside / "out"), S3Settings())
    environment = {"FLEET_MODELS": "fake", "FLEET_BROKER_URL": broker.url, "FLEET_OUTPUT": "out"}
    world = World(broker, store, environment, [])
    assert world.command("enqueue", "in.parquet", "--batch-rows", "10")[0] == 0
    world.batches = [batch for part in read_parts(store) for batch in part.batches(10)]
    return world

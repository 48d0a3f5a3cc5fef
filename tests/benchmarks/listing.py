"""How long a look at a large run takes: `python -m tests.benchmarks.listing`.

`producer status` over a run of 100,000 shards, in SeaweedFS and in a folder; the shards are empty, since
nothing but their names is looked at. One JSON object.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from common.console.logs import configure_logs
from common.run.batch import Batch
from common.run.manifest import read_parts
from common.settings import Settings
from common.store import Store, open_store
from producer.enqueue import enqueue
from producer.options import EnqueueOptions
from producer.status import StatusReader
from tests.faults.broker import broker
from tests.servers.seaweed import seaweed

WRITERS = 16
PARTS = 10
LOOKS = 3


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shards", type=int, default=100_000, help="(%(default)s)")
    options = parser.parse_args()
    configure_logs()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with broker(folder / "broker", sync="no-file") as redis, seaweed(folder / "s3") as s3:
            os.environ.update(s3.environment)
            settings = Settings(broker_url=redis.url, models="fake")
            client = s3.client()
            bucket = s3.bucket("listing")
            places: dict[str, tuple[str, Callable[[str], object]]] = {
                "s3": (
                    f"s3://{bucket}/run",
                    lambda key: client.put_object(Bucket=bucket, Key=f"run/{key}", Body=b""),
                ),
                "folder": (str(folder / "run"), lambda key: _touch(folder / "run" / key)),
            }
            report = {
                place: look(output, write, options.shards, folder, settings)
                for place, (output, write) in places.items()
            }
    print(json.dumps(report, indent=1))


def look(
    output: str, write: Callable[[str], object], shards: int, folder: Path, settings: Settings
) -> dict[str, object]:
    """Make the run, its shards and no row of them; then the seconds of each look."""
    parts = [_part(folder / f"part-{number:05}.parquet", shards // PARTS) for number in range(PARTS)]
    enqueue(parts, output, settings, EnqueueOptions(batch_rows=1))
    store = open_store(output, settings.s3)
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, (batch.shard_key for batch in _batches(store))))
    seconds = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        state = StatusReader(store, settings).read()
        seconds.append(round(time.perf_counter() - began, 2))
    return {"done": state.batches.done, "total": state.batches.total, "seconds": seconds}


def _part(path: Path, rows: int) -> str:
    pq.write_table(pa.table({"URL": ["http://192.0.2.1/"] * rows, "TEXT": [""] * rows}), path)
    return str(path)


def _batches(store: Store) -> list[Batch]:
    return [batch for part in read_parts(store) for batch in part.batches(1)]


def _touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


if __name__ == "__main__":
    main()

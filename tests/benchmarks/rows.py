"""What reading a batch's rows costs: `python -m tests.benchmarks.rows`.

A part of a million rows in one row group, as Spark writes them, on disk and on S3 (SeaweedFS): batches of
10,000 rows at its start, middle and end, then the same from a staged copy with one row group a batch.
Prints seconds (medians), megabytes asked of the file, and how many times its size all batches move.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from common.run.batch import Batch
from common.run.parquet import PartReader
from common.run.part import open_part
from common.run.planned_part import Part
from common.settings import S3Settings
from common.store import open_store, s3_object
from producer.plan import plan_part
from producer.stage import bytes_moved, stage
from tests.servers.seaweed import seaweed
from workers.batch.rows import read_rows

BATCH_ROWS = 10_000
MEGA = 1e6


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, seaweed(Path(name) / "s3") as server:
        os.environ.update(server.environment)
        path = Path(name) / "part.parquet"
        write(path)
        s3 = S3Settings(endpoint_url=server.endpoint_url)
        bucket = server.bucket("rows")
        server.client().upload_file(str(path), bucket, "part.parquet")
        address = f"s3://{bucket}/part.parquet"
        places = {
            "folder": (plan_part(str(path), s3), str(Path(name) / "run")),
            "s3": (plan_part(address, s3), f"s3://{bucket}/run"),
        }
        figures = {place: figures_of(*found, s3, options.rounds) for place, found in places.items()}
        print(json.dumps({"megabytes": round(path.stat().st_size / MEGA, 1), **figures}, indent=1))


def write(path: Path, rows: int = 1_000_000) -> None:
    """Links and texts that compress about as LAION's do, and its columns of numbers."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 2**63, (rows, 3))
    table = {
        "URL": [
            f"https://cdn{n % 997}.example.org/{a:016x}/{b:016x}.jpg" for n, (a, b, _) in enumerate(noise)
        ],
        "TEXT": [f"Picture {c:x} of a {a % 5000} by the {b % 5000}, {c % 5000}" for a, b, c in noise],
        "WIDTH": noise[:, 0] % 2000,
        "HEIGHT": noise[:, 1] % 2000,
        "similarity": rng.random(rows),
        "hash": noise[:, 2],
        "punsafe": rng.random(rows),
        "pwatermark": rng.random(rows),
    }
    pq.write_table(pa.table(table), path, row_group_size=rows)


def figures_of(part: Part, run: str, s3: S3Settings, rounds: int) -> dict[str, object]:
    store = open_store(run, s3)
    began = time.perf_counter()
    (staged,) = stage(store, [part], BATCH_ROWS, s3)
    seconds = time.perf_counter() - began
    with open_part(part.address, s3) as (file, _):
        times = bytes_moved(PartReader(file, part.address), BATCH_ROWS) / part.size
    assert staged.staged is not None
    copy = staged.as_read(run)
    return {
        "one row group": reading(part, s3, rounds) | {"times_its_size": round(times, 1)},
        "staged": reading(copy, s3, rounds) | {"seconds_to_stage": round(seconds, 1)},
    }


def reading(part: Part, s3: S3Settings, rounds: int) -> dict[str, object]:
    last = (part.rows - 1) // BATCH_ROWS * BATCH_ROWS
    starts = {"first": 0, "middle": last // 2 // BATCH_ROWS * BATCH_ROWS, "last": last}
    return {name: one_batch(part, first, s3, rounds) for name, first in starts.items()}


def one_batch(part: Part, first: int, s3: S3Settings, rounds: int) -> dict[str, float]:
    seconds, moved = [], 0
    for _ in range(rounds):
        with counted() as count:
            began = time.perf_counter()
            read_rows(part, Batch(part.id, first, min(BATCH_ROWS, part.rows - first)), s3)
            seconds.append(time.perf_counter() - began)
        moved = sum(count)
    return {"seconds": round(statistics.median(seconds), 3), "megabytes": round(moved / MEGA, 2)}


@contextmanager
def counted() -> Iterator[list[int]]:
    """Bytes of every read from the system or from S3."""
    count: list[int] = []
    plain_range = s3_object._RangeReader._range
    before = _read_by_system()

    def counting(reader: s3_object._RangeReader, client: object, start: int, end: int) -> bytes:
        count.append(end - start)
        return plain_range(reader, client, start, end)

    with mock.patch.object(s3_object._RangeReader, "_range", counting):
        yield count
    if not count:
        count.append(_read_by_system() - before)


def _read_by_system() -> int:
    return int(Path("/proc/self/io").read_text().split("rchar: ")[1].split()[0])


if __name__ == "__main__":
    main()

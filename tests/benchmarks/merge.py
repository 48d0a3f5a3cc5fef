"""How fast and in how much memory `dataset merge` works: `python -m tests.benchmarks.merge --rows 10000000`.

Makes a synthetic run (kept in --folder for the next time), measures what the disk reads and writes
by itself, merges, and prints one JSON object. Rows are like real ones: 820 bytes of which half are captions.
"""

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from common.run.batch import Batch
from common.run.schema import SHARD
from common.run.status import Status
from common.settings import S3Settings
from common.store import Store, open_store
from tests.dataset.synthetic import RunShape, parquet, provenance, sentence, write_manifest

POOL = 100_000
CAPTIONS = 10
"""Distinct captions of an image."""
SPAN = 1 << 20
MEGABYTE = 10**6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, default=Path("output/benchmark-merge"))
    parser.add_argument("--failing", type=float, default=0.3)
    parser.add_argument("--repeated", type=float, default=0.1)
    options = parser.parse_args()
    shape = RunShape(
        parts=max(1, options.rows // 1_000_000),
        part_rows=min(options.rows, 1_000_000),
        batch_rows=10_000,
        failing=options.failing,
        repeated=options.repeated,
    )
    make_run(options.folder / "run", shape)
    print(json.dumps({**_disk(options.folder), **_measure(options.folder)}, indent=1))


def make_run(folder: Path, shape: RunShape) -> None:
    store, pool = open_store(str(folder), S3Settings()), _caption_pool()
    write_manifest(store, shape)
    for number, batch in enumerate(shape.batches()):
        if not store.exists(batch.shard_key):
            _make_shard(store, shape, batch, number, pool)


def _caption_pool() -> pa.Array:
    draw = random.Random(0)
    return pa.array([sentence(draw) for _ in range(POOL)])


def _make_shard(store: Store, shape: RunShape, batch: Batch, number: int, pool: pa.Array) -> None:
    """Whole columns at a time: ten million rows would take an hour one by one."""
    rows = batch.rows
    # A repeated row takes the address and caption of the row before it.
    own = pa.array(range(rows), pa.int64())
    repeats = pc.less(_uniform(rows, number), shape.repeated)
    source = pc.if_else(repeats, pc.max_element_wise(pc.subtract(own, 1), 0), own)
    name = pc.add(source, number * rows).cast(pa.string())
    good = pc.greater_equal(_uniform(rows, number + SPAN), shape.failing)
    urls = pc.binary_join_element_wise("https://images.example/some/folder", name, "photo.jpg", "/")
    texts = pc.binary_join_element_wise(pc.take(pool, pc.bit_wise_and(source, 0xFFFF)), name, " ")
    captions, scores = _captions(rows, number, pool)
    columns = {
        "URL": urls,
        "TEXT": texts,
        "top_caption": _where(good, captions.flatten().take(pc.multiply(own, CAPTIONS))),
        "all_captions": _where(good, captions),
        "all_similarities": _where(good, scores),
        "WIDTH": pc.bit_wise_and(own, 1023),
        "HEIGHT": pc.bit_wise_and(own, 511),
        "similarity": _uniform(rows, number + 2 * SPAN),
        "hash": pc.multiply(own, 2_654_435_761),
        "part": pa.repeat(batch.part, rows),
        "row": pc.add(own, batch.first_row),
        "status": pc.if_else(good, str(Status.OK), str(Status.HTTP_4XX)),
        "error": pc.if_else(good, None, "404"),
    }
    arrays = [columns.get(field.name, pa.nulls(rows, field.type)).cast(field.type) for field in SHARD]
    table = pa.Table.from_arrays(arrays, schema=SHARD.with_metadata({b"fleet": provenance(shape, batch)}))
    store.create(batch.shard_key, parquet(table))


def _captions(rows: int, number: int, pool: pa.Array) -> tuple[pa.Array, pa.Array]:
    picks = pc.floor(pc.multiply(_uniform(rows * CAPTIONS, number + 3 * SPAN), POOL)).cast(pa.int64())
    offsets = pa.array(range(0, (rows + 1) * CAPTIONS, CAPTIONS), pa.int32())
    scores = _uniform(rows * CAPTIONS, number + 4 * SPAN)
    return (
        pa.ListArray.from_arrays(offsets, pool.take(picks)),
        pa.ListArray.from_arrays(offsets, pc.multiply(scores, 0.4)),
    )


def _uniform(rows: int, seed: int) -> pa.Array:
    return pc.random(rows, initializer=seed)


def _where(good: pa.Array, values: pa.Array) -> pa.Array:
    return pc.if_else(good, values, pa.scalar(None, values.type))


def _disk(folder: Path, size: int = 2_000) -> dict[str, float]:
    """Megabytes a second that one process writes and reads with the disk in earnest."""
    file, block = folder / "disk", os.urandom(MEGABYTE)
    begin = time.monotonic()
    with file.open("wb") as sink:
        for _ in range(size):
            sink.write(block)
        os.fsync(sink.fileno())
        os.posix_fadvise(sink.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    written = time.monotonic()
    with file.open("rb") as source:
        while source.read(MEGABYTE):
            pass
    read = time.monotonic()
    file.unlink()
    return {
        "disk_write_mb_s": round(size / (written - begin)),
        "disk_read_mb_s": round(size / (read - written)),
    }


def _measure(folder: Path) -> dict[str, object]:
    run, output = folder / "run", folder / "dataset"
    shutil.rmtree(output, ignore_errors=True)
    _forget(run)
    script = "from dataset.cli import main; main()"
    command = [sys.executable, "-c", script, "merge", "--run", str(run), "--output", str(output)]
    begin = time.monotonic()
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    seconds = time.monotonic() - begin
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    read, written = _size(run / "shards"), _size(output / "data")
    return {
        "answer": answer.splitlines()[0],
        "seconds": round(seconds, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "cpus": os.cpu_count(),
        "peak_resident_mb": round(used.ru_maxrss * 1024 / MEGABYTE),
        "shards_mb": round(read / MEGABYTE),
        "merged_mb": round(written / MEGABYTE),
        "mb_s": round((read + written) / MEGABYTE / seconds),
    }


def _forget(folder: Path) -> None:
    """Drop the shards from the page cache: what is measured comes from the disk."""
    for path in folder.rglob("*.parquet"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.parquet"))


if __name__ == "__main__":
    main()

"""Small runs of chosen rows, and what a merge makes of them."""

import random
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from common.console.cli import load_settings
from common.run.status import Status
from common.store import Store
from dataset.files.merged import Merged
from dataset.merge.flow import Options, merge
from tests.dataset.synthetic import RunShape, captioned, failed, write_manifest, write_shard


def row(name: str, status: Status = Status.OK, text: str = "a text", *, seed: int = 0) -> dict[str, Any]:
    """A row; its captions depend on `name` and `seed`."""
    bare = {"URL": f"https://images.example/{name}.jpg", "TEXT": text}
    return captioned(bare, random.Random(f"{name}{seed}")) if status == Status.OK else failed(bare, status)


def make_run(store: Store, *batches: list[dict[str, Any]], seed: int = 0) -> Store:
    """A run of one part whose batches hold these rows, alike many."""
    rows = len(batches[0])
    shape = RunShape(parts=1, part_rows=rows * len(batches), batch_rows=rows, seed=seed)
    write_manifest(store, shape)
    for batch, theirs in zip(shape.batches(), batches, strict=True):
        write_shard(store, shape, batch, theirs)
    return store


def merge_runs(stores: Sequence[Store], output: Store, options: Options | None = None) -> Merged:
    return merge(
        [store.uri for store in stores], output.uri, options or Options(part_size=20_000), load_settings().s3
    )


def table_of(store: Store, merged: Merged) -> pa.Table:
    bodies = [store.read(key) for key in merged.keys]
    return pa.concat_tables([pq.read_table(pa.BufferReader(body)) for body in bodies])


def names_of(store: Store, merged: Merged) -> list[str]:
    """The names of the rows that a data set holds, in order."""
    urls = table_of(store, merged)["URL"].to_pylist()
    return [url.rpartition("/")[2].removesuffix(".jpg") for url in urls]

"""Runs of any size, made from a seed: real manifests and real shards, no picture and no model."""

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from common.run.batch import Batch
from common.run.layout import RUN_KEY, part_key
from common.run.manifest import ModelRef, Models, Run
from common.run.planned_part import Part, part_id
from common.run.schema import SHARD
from common.run.status import Status
from common.settings import SamplingSettings
from common.store import Store
from common.version import __version__

WORDS = [
    "a",
    "the",
    "of",
    "in",
    "on",
    "with",
    "and",
    "red",
    "blue",
    "green",
    "small",
    "large",
    "old",
    "young",
    "wooden",
    "bright",
    "dark",
    "smiling",
    "parked",
    "standing",
    "dog",
    "cat",
    "house",
    "car",
    "street",
    "mountain",
    "river",
    "table",
    "chair",
    "window",
    "woman",
    "man",
    "child",
    "bird",
    "flower",
    "boat",
    "train",
    "sky",
]
FAILURES = (Status.HTTP_4XX, Status.DNS_ERROR, Status.TIMEOUT, Status.OPT_OUT, Status.NOT_AN_IMAGE)
MODELS = Models(
    captioner=ModelRef(name="toy/captioner", revision="1"),
    ranker=ModelRef(name="toy/ranker", revision="1"),
    selector=ModelRef(name="toy/selector", revision="1"),
)


@dataclass(frozen=True)
class RunShape:
    """What a synthetic run looks like."""

    parts: int = 2
    part_rows: int = 250
    batch_rows: int = 100
    seed: int = 0
    failing: float = 0.2
    """Share of rows."""
    repeated: float = 0.1
    """Share of rows that repeat the URL and caption of an earlier row of their shard."""
    models: Models = MODELS
    sampling: SamplingSettings = SamplingSettings()  # noqa: RUF009 - frozen
    signs: tuple[str, ...] | None = None
    image_url: str = "https://images.example/{}.jpg"

    @property
    def run(self) -> Run:
        return Run(
            version=__version__,
            batch_rows=self.batch_rows,
            models=self.models,
            sampling=self.sampling,
            signs=self.signs,
        )

    def part_plans(self) -> list[Part]:
        addresses = [f"/input/{self.seed}/part-{number:05d}.parquet" for number in range(self.parts)]
        return [Part(id=part_id(a), address=a, rows=self.part_rows, size=1) for a in addresses]

    def batches(self) -> Iterator[Batch]:
        for part in self.part_plans():
            yield from part.batches(self.batch_rows)


def write_run(store: Store, shape: RunShape) -> Run:
    """A complete run of this shape."""
    write_manifest(store, shape)
    for batch in shape.batches():
        write_shard(store, shape, batch, random_rows(shape, batch))
    return shape.run


def write_manifest(store: Store, shape: RunShape) -> None:
    store.create(RUN_KEY, shape.run.to_json())
    for part in shape.part_plans():
        store.create(part_key(part.id), part.to_json())


def write_shard(store: Store, shape: RunShape, batch: Batch, rows: Sequence[dict[str, Any]]) -> None:
    """A shard of these rows (by column; what is absent is null), with its provenance."""
    for row, values in enumerate(rows, batch.first_row):
        values.update(part=batch.part, row=row)
    table = pa.Table.from_pylist(list(rows), schema=SHARD.with_metadata({b"fleet": provenance(shape, batch)}))
    store.create(batch.shard_key, parquet(table))


def parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def provenance(shape: RunShape, batch: Batch) -> bytes:
    run = shape.run
    models = {
        role: {**ref, "dtype": "bfloat16" if role == "captioner" else "float16"}
        for role, ref in run.models.model_dump().items()
    }
    said = {"run": "synthetic", "batch": batch.id, "version": __version__, "models": models}
    return json.dumps({**said, "sampling": run.sampling.model_dump(mode="json")}).encode()


def random_rows(shape: RunShape, batch: Batch) -> list[dict[str, Any]]:
    """Rows that depend on the seed and on where they are, and on nothing else."""
    draw = random.Random(f"{shape.seed}/{batch.id}")
    rows: list[dict[str, Any]] = []
    for row in range(batch.rows):
        rows.append(_random_row(draw, shape, f"{batch.part}-{batch.first_row + row}"))
        if row and draw.random() < shape.repeated:
            earlier = rows[draw.randrange(row)]
            rows[-1].update(URL=earlier["URL"], TEXT=earlier["TEXT"])
    return rows


def _random_row(draw: random.Random, shape: RunShape, name: str) -> dict[str, Any]:
    row: dict[str, Any] = {"URL": shape.image_url.format(name), "TEXT": sentence(draw)}
    row |= {
        "WIDTH": draw.randrange(64, 4096),
        "HEIGHT": draw.randrange(64, 4096),
        "hash": draw.getrandbits(62),
    }
    row |= {"similarity": draw.uniform(0.2, 0.4), "pwatermark": draw.random(), "punsafe": draw.random()}
    if draw.random() < shape.failing:
        return failed(row, draw.choice(FAILURES))
    return captioned(row, draw)


def failed(row: dict[str, Any], status: Status) -> dict[str, Any]:
    return {**row, "status": status, "error": "404" if status == Status.HTTP_4XX else "told by the test"}


def captioned(row: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    captions = list(dict.fromkeys(sentence(draw) for _ in range(draw.randrange(5, 11))))
    similarities = sorted((draw.uniform(0.1, 0.35) for _ in captions), reverse=True)
    shortlist = captions[:5]
    selector = [draw.uniform(0.1, 0.4) for _ in shortlist]
    return row | {
        "top_caption": shortlist[selector.index(max(selector))],
        "all_captions": captions,
        "all_similarities": similarities,
        "shortlist": shortlist,
        "shortlist_similarities": selector,
        "status": Status.OK,
        "sha256": hashlib.sha256(row["URL"].encode()).hexdigest(),
    }


def sentence(draw: random.Random) -> str:
    return " ".join(draw.choices(WORDS, k=draw.randrange(5, 15)))


def retried(shape: RunShape, rows: Sequence[dict[str, Any]], *, batch_rows: int = 64) -> RunShape:
    """The shape of a run over some rows of another."""
    return replace(shape, parts=1, part_rows=len(rows), batch_rows=batch_rows, seed=shape.seed + 1)

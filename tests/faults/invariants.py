"""What must hold after every run, read from the files alone: none of the product's own readers is asked."""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import redis

from common.queue.kombu_queue import UNACKED, UNACKED_INDEX
from common.run.schema import SHARD
from tests.faults.site import COLOURS, encode_image
from tests.faults.waiting import slowness

SHA256 = {colour: hashlib.sha256(encode_image(colour)).hexdigest() for colour in COLOURS}
CLAIM_LIFE = 5.0

HOSTILE = "hostile"
"""What is expected of a row whose server or image is a stranger's: any status."""

Row = tuple[str, int]
"""Part id, and position in the part."""


@dataclass
class Findings:
    """What an output holds, and what is wrong with it."""

    expected: int = 0
    found: int = 0
    lost: list[Row] = field(default_factory=list)
    doubled: list[Row] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    dead: dict[str, Any] = field(default_factory=dict)

    @property
    def sound(self) -> bool:
        """I1 to I3: every row once, in a shard that is whole."""
        return not (self.lost or self.doubled or self.bad)


def examine(output: Path) -> Findings:
    """Hold the shards and failure records of a run's folder against the input files that its parts name.

    I1: every input row is in exactly one shard, or its batch has a failure record. I2: no row twice. I3:
    every shard parses, and its rows are the input's and the site's.
    """
    findings, seen = Findings(), Counter[Row]()
    batch_rows = json.loads((output / "run.json").read_text())["batch_rows"]
    findings.dead = {
        _id(path, output / "failed"): json.loads(path.read_text()) for path in _files(output / "failed")
    }
    parts = [json.loads(path.read_text()) for path in _files(output / "parts")]
    inputs = {part["id"]: pq.read_table(part["address"]).slice(0, part["rows"]).to_pylist() for part in parts}
    for path in _files(output / "shards"):
        try:
            rows = _rows_of(path, output, inputs, batch_rows)
        except (OSError, ValueError, KeyError, AssertionError) as error:
            findings.bad.append(f"{path.relative_to(output)}: {error!r}")
        else:
            seen.update(rows)
    expected = {(part["id"], row) for part in parts for row in range(part["rows"])}
    buried = {
        row for row in expected if f"{row[0]}/{row[1] // batch_rows * batch_rows:012d}" in findings.dead
    }
    findings.expected, findings.found = len(expected), len(seen)
    findings.lost = sorted(expected - seen.keys() - buried)
    findings.doubled = sorted(row for row, count in seen.items() if count > 1)
    findings.bad += [f"row {row} belongs to no part" for row in sorted(seen.keys() - expected)]
    return findings


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _id(path: Path, folder: Path) -> str:
    return path.relative_to(folder).with_suffix("").as_posix()


def _rows_of(path: Path, output: Path, inputs: dict[str, list[dict[str, Any]]], batch_rows: int) -> list[Row]:
    """The rows of a shard, once everything about it was found right."""
    file = pq.ParquetFile(path)
    assert file.schema_arrow.equals(SHARD), "other columns"
    batch = _id(path, output / "shards")
    part, first = batch.rsplit("/", 1)
    wanted = inputs[part][int(first) : int(first) + batch_rows]
    rows = file.read().to_pylist()
    assert file.metadata.num_rows == len(rows) == len(wanted), f"{len(rows)} rows of {len(wanted)}"
    made = json.loads(file.metadata.metadata[b"fleet"])
    assert made["batch"] == batch, f"made by {made['batch']}"
    for offset, (row, given) in enumerate(zip(rows, wanted, strict=True)):
        assert (row["part"], row["row"]) == (part, int(first) + offset), "another row"
        _must_be_right(row, given)
    return [(row["part"], row["row"]) for row in rows]


def _must_be_right(row: dict[str, Any], given: dict[str, Any]) -> None:
    assert (row["URL"], row["TEXT"]) == (given["URL"], given["TEXT"]), "another link"
    if given["expected"] == HOSTILE:
        return
    if given["expected"] == "blocked":
        assert row["status"] == "blocked", f"a forbidden address is {row['status']}"
        return
    assert row["status"] == "ok", f"{row['status']}: {row['error']}"
    assert row["sha256"] == SHA256[given["expected"]], "another picture"
    assert row["top_caption"], "no caption"


def remains(client: redis.Redis, excused: Collection[str] = ()) -> dict[str, int]:
    """I4: what a finished fleet has left in Redis that it should not have; empty is good.

    Args:
        client: of the broker.
        excused: batches whose open attempts mean nothing, since they are done: a wire that was silent may
            deliver a command once everything is over.
    """
    began = time.monotonic()
    while True:
        left = {name: count for name, count in _left(client, excused) if count}
        if not left or time.monotonic() - began > (CLAIM_LIFE + 2) * slowness():
            return left
        time.sleep(0.2)


def _left(client: redis.Redis, excused: Collection[str]) -> Iterator[tuple[str, int]]:
    yield "queue", int(client.llen("caption.v1"))
    yield "unacked", int(client.hlen(UNACKED))
    yield "unacked_index", int(client.zcard(UNACKED_INDEX))
    yield "claims", len(list(client.scan_iter("fleet:*:claim:*")))
    yield (
        "running",
        sum(int(client.zcount(key, time.time(), "+inf")) for key in client.scan_iter("fleet:*:running")),
    )
    opened = (batch for key in client.scan_iter("fleet:*:attempts:open") for batch in client.hkeys(key))
    yield "attempts", sum(batch not in excused for batch in opened)

"""What strangers write into the output: runs that are none, and rubbish among the healthy."""

import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from common.run.planned_part import Part
from tests.footers import lying_parquet
from tests.producer.test_mutations import damage, sound

ROWS = 65_536
"""Of a dictionary bomb: one URL of 100 kB so many times, in 741 bytes."""


def dictionary_bomb(path: Path) -> None:
    """Write it."""
    url = pa.DictionaryArray.from_arrays(
        pa.array([0] * ROWS, pa.int32()), pa.array(["http://x/" + "a" * 100_000])
    )
    pq.write_table(pa.table({"URL": url}), path, store_schema=False, dictionary_pagesize_limit=1 << 30)


def damaged_part(path: Path, chance: random.Random) -> None:
    """A sound file with a few bytes changed."""
    path.write_bytes(damage(chance.choice(list(sound(path))), chance))


PARTS: dict[str, Callable[[Path, random.Random], object]] = {
    "damaged": damaged_part,
    "dictionary bomb": lambda path, _: dictionary_bomb(path),
    "lying footer": lambda path, _: path.write_bytes(lying_parquet(2**62)),
    "thousand columns": lambda path, _: path.write_bytes(
        lying_parquet(10, [b"c%d" % n for n in range(9000)])
    ),
    "pipe": lambda path, _: os.mkfifo(path),
    "device": lambda path, _: path.symlink_to("/dev/zero"),
    "garbage": lambda path, chance: path.write_bytes(chance.randbytes(10_000)),
    "nothing": lambda path, _: path.unlink(missing_ok=True),
}
ADDRESSES = ("http://127.0.0.1:1/a", "/etc/passwd", "/dev/zero", "s3://", "hf://x", "relative", "/a\0b", "")
SPOILS: tuple[Callable[[bytes], bytes], ...] = (
    lambda body: body[: len(body) // 2],
    lambda _: b"[" * 200_000,
    lambda body: body + b" " * 3_000_000,
    lambda body: body.replace(b'"batch_rows": ', b'"batch_rows": 99999999999'),
    lambda _: b'{"a": "\\ud800"}',
)


def write_hostile_run(folder: Path, run_json: bytes, chance: random.Random) -> dict[str, object]:
    """Make a run in `folder` that cannot be done.

    Args:
        folder: under the output.
        run_json: of a healthy run.
        chance: of what is wrong.

    Returns:
        The fields of a message of its first batch.
    """
    (folder / "parts").mkdir(parents=True)
    name, path = "evil-1", folder / "evil.parquet"
    PARTS[chance.choice(sorted(PARTS))](path, chance)
    address = str(path) if chance.random() < 0.7 else chance.choice(ADDRESSES)
    size = path.stat().st_size if path.is_file() else 10
    part = Part.model_construct(id=name, address=address, rows=ROWS, size=size).to_json()
    bodies = {"run.json": run_json, f"parts/{name}.json": part}
    if chance.random() < 0.3:
        spoilt = chance.choice(sorted(bodies))
        bodies[spoilt] = chance.choice(SPOILS)(bodies[spoilt])
    for key, body in bodies.items():
        (folder / key).write_bytes(body)
    if chance.random() < 0.2:
        (folder / "shards").write_text("in the way")
    return {"version": 1, "run": str(folder), "part": name, "first_row": 0}


def litter(run: Path, number: int, chance: random.Random) -> None:
    """Leave rubbish in a healthy run, where no shard of its lies."""
    rubbish = {
        f"bundles/{number}.jsonl": json.dumps({"key": "parts/x.json", "body": "{}"}).encode() + b"\n[\n",
        f"input/{number}.parquet": chance.randbytes(1000),
        f".tmp/{number}": b"",
        f"staged/{number}": b"PAR1",
        f"proof/{number}": chance.randbytes(10),
    }
    path = run / chance.choice(sorted(rubbish))
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(rubbish[path.relative_to(run).as_posix()])

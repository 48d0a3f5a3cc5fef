"""Damaged parquet: planned, staged or read, it works or is one of our errors, and no process ends."""

import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.errors import FleetError
from common.run.batch import Batch
from common.run.planned_part import Part
from common.settings import S3Settings
from producer import stage
from producer.plan import plan_part
from workers.batch.rows import read_rows

NO_S3 = S3Settings()
ROWS = 200
LOOSE = {"URL": "DELTA_BYTE_ARRAY", "TEXT": "DELTA_LENGTH_BYTE_ARRAY", "WIDTH": "DELTA_BINARY_PACKED"}
WRITERS: list[Mapping[str, object]] = [
    {},
    {"use_dictionary": False, "column_encoding": LOOSE},
    {"store_schema": False, "compression": "zstd", "data_page_version": "2.0"},
    {"write_page_index": True, "compression": "none"},
]


def sound(path: Path) -> Iterator[bytes]:
    table = {
        "URL": [f"http://a/{row}" for row in range(ROWS)],
        "TEXT": ["a", "bé"] * 100,
        "WIDTH": range(ROWS),
    }
    for options in WRITERS:
        pq.write_table(pa.table(table), path, row_group_size=50, **options)
        yield path.read_bytes()


def damage(body: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(body)
    for _ in range(chance.randrange(1, 6)):
        place, kind = chance.randrange(len(damaged)), chance.random()
        cut = chance.randrange(8) if kind > 0.8 else 1
        damaged[place : place + cut] = chance.randbytes(3 if kind < 0.2 else 1 if kind < 0.8 else 0)
    return bytes(damaged)


@pytest.mark.parametrize("seed", [1, 2, pytest.param(range(3, 60), marks=pytest.mark.soak)], ids=str)
def test_damage_is_an_error_of_ours(
    seed: int | range, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "COSTLY", 0)
    path, bodies = tmp_path / "part.parquet", list(sound(tmp_path / "sound.parquet"))
    refused = tried = 0
    for one in [seed] if isinstance(seed, int) else seed:
        chance = random.Random(one)
        for _ in range(200):
            path.write_bytes(damage(chance.choice(bodies), chance))
            part = Part(id="p", address=str(path), rows=ROWS, size=path.stat().st_size)
            for attempt in (
                lambda: plan_part(str(path), NO_S3),
                lambda: read_rows(part, Batch("p", 10, 150), NO_S3),  # noqa: B023 - called here
                lambda: stage.is_costly(part, 7, NO_S3),  # noqa: B023
            ):
                tried += 1
                try:
                    attempt()
                except FleetError:
                    refused += 1
    assert tried // 4 < refused < tried

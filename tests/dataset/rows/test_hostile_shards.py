"""Shards that somebody with the bucket's keys wrote: one line that names the shard, whatever is in it."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.run.schema import SHARD
from common.settings import S3Settings
from common.store import open_store
from dataset.errors import BadRunError
from dataset.merge.flow import Options, merge
from dataset.rows.row_source import open_rows
from dataset.rows.sample import draw
from dataset.stats import read_stats
from tests.dataset.synthetic import RunShape, write_run

SHAPE = RunShape(parts=1, part_rows=40, batch_rows=20)
S3 = S3Settings()


def _with(name: str, values: pa.Array) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        return table.set_column(table.column_names.index(name), SHARD.field(name), values)

    return change


def _said(text: str) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.replace_schema_metadata({"fleet": text})


DEEP = "[" * 100_000 + "]" * 100_000
CHANGES = {
    "null status": _with("status", pa.nulls(20, pa.string())),
    "unknown status": _with("status", pa.array(["fine"] * 20)),
    "deep provenance": _said(DEEP),
    "deep model": _said('{"models": {"captioner": ' + DEEP + "}}"),
    "provenance of other types": _said(json.dumps({"models": [1], "sampling": 3, "version": None})),
    "provenance that is no JSON": _said("\x00\x1b]0;x\x07"),
    "huge number": _said('{"version": "0.1", "sampling": {"lanes": 1' + "0" * 5_000 + "}}"),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("command", ["merge", "stats", "gallery"])
def test_a_hostile_shard_is_named_and_nothing_else_happens(tmp_path: Path, name: str, command: str) -> None:
    write_run(open_store(str(tmp_path / "run"), S3), SHAPE)
    shard = sorted((tmp_path / "run" / "shards").rglob("*.parquet"))[1]
    pq.write_table(CHANGES[name](pq.read_table(shard)), shard)
    uri = str(tmp_path / "run")
    commands: dict[str, Callable[[], object]] = {
        "merge": lambda: merge([uri], str(tmp_path / "out"), Options(), S3),
        "stats": lambda: read_stats(uri, S3),
        "gallery": lambda: draw(open_rows(uri, None, S3), 40, 0),
    }
    with pytest.raises(BadRunError) as caught:
        commands[command]()
    said = str(caught.value)
    assert str(shard) in said
    assert said.isprintable()
    assert len(said) < 600
    assert not list(tmp_path.glob("out/data/*"))

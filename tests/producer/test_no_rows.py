"""Files without rows, as parallel writers leave them, are left out beside others and refused alone."""

import gzip
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.errors import FleetError
from common.run.manifest import read_parts
from common.run.part import PartError
from common.run.planned_part import Part
from common.settings import S3Settings, Settings
from common.store import open_store
from producer import useless
from producer.addresses import expand
from producer.enqueue import plan_run
from producer.options import EnqueueOptions
from producer.run import write_parts, write_run
from producer.sources import plan_sources
from tests.archives.inputs import FOLDER, SHAPES
from tests.logs import log_lines
from tests.samples import write_part

NO_S3 = S3Settings()
TEXTS = pa.table({"URL": pa.array([], pa.string()), "TEXT": pa.array([], pa.string())})
PARQUET: Mapping[str, pa.Table] = {
    "typed": TEXTS,
    "without types": pa.table({"URL": pa.nulls(0), "TEXT": pa.nulls(0)}),
    "numbers": pa.table({"URL": pa.array([], pa.float64())}),
    "without columns": pa.table({}),
    "other columns": pa.table({"__null_dask_index__": pa.array([], pa.int64())}),
    "images": pa.table({"image": pa.array([], pa.struct([("bytes", pa.binary()), ("path", pa.string())]))}),
}
LISTS: Mapping[str, bytes] = {
    "nothing.csv": b"",
    "header.csv": b"URL,TEXT\n",
    "header.tsv": b"\xef\xbb\xbfURL\tTEXT\r\n",
    "blank.jsonl": b"\n \n",
    "nothing.txt": b"",
    "nothing.csv.gz": gzip.compress(b""),
    "header.csv.gz": gzip.compress(b"URL,TEXT\n"),
}


def planned(run: Path, *arguments: object, skip_bad_lines: bool = False) -> list[Part]:
    store = open_store(str(run), NO_S3)
    options = EnqueueOptions(skip_bad_lines=skip_bad_lines)
    return plan_sources(expand(map(str, arguments), NO_S3), store, 10, NO_S3, options)


def refusal(run: Path, *arguments: object) -> str:
    with pytest.raises(PartError) as refused:
        planned(run, *arguments)
    assert "\n" not in str(refused.value)
    assert not list(run.rglob("*.*")), "nothing was written"
    return str(refused.value)


def left_out(run: Path, *arguments: object) -> tuple[list[int], dict[str, int]]:
    """Rows of each part, and what was left out, by reason."""
    with log_lines(useless) as lines:
        rows = [part.rows for part in planned(run, *arguments)]
    return rows, {line["reason"]: line["parts"] for line in lines if line["event"] == "left out"}


@pytest.mark.parametrize("name", PARQUET)
def test_parquet_without_rows(tmp_path: Path, name: str) -> None:
    folder, run = tmp_path / "in", tmp_path / "run"
    folder.mkdir()
    for number in range(2):
        pq.write_table(PARQUET[name], folder / f"part-{number}.parquet")
    assert refusal(run, folder / "part-1.parquet").endswith("part-1.parquet: no rows; leave it out")
    for argument in (folder, folder / "*.parquet"):
        assert refusal(run, argument).endswith("part-0.parquet: no rows; leave it out")
    write_part(folder / "part-2.parquet", 7)
    for arguments in (
        [folder],
        [folder / "part-*"],
        [folder / f"part-{number}.parquet" for number in range(3)],
    ):
        assert left_out(run, *arguments) == ([7], {"no rows": 2})


@pytest.mark.parametrize("name", LISTS)
def test_lists_without_rows(tmp_path: Path, name: str) -> None:
    run = tmp_path / "run"
    (tmp_path / name).write_bytes(LISTS[name])
    assert refusal(run, tmp_path / name).endswith(f"{name}: no rows; leave it out")
    assert left_out(run, tmp_path / name, SHAPES) == ([12], {"no rows": 1})
    assert left_out(run, FOLDER, tmp_path / name) == ([13], {"no rows": 1})


def test_inputs_of_no_use_of_all_kinds_are_counted_together(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"URL\n")
    (tmp_path / "b.txt").write_bytes(b"")
    pq.write_table(TEXTS, tmp_path / "c.parquet")
    names = [tmp_path / name for name in ("a.csv", "b.txt", "c.parquet")]
    assert refusal(tmp_path / "run", *names).endswith("no rows; leave it out")
    (tmp_path / "d.csv").write_bytes(b"URL\nhttp://192.0.2.1/\n")
    assert left_out(tmp_path / "run", *names, tmp_path / "d.csv") == ([1], {"no rows": 3})


def test_damage_is_not_left_out(tmp_path: Path) -> None:
    good = write_part(tmp_path / "good.parquet")
    (tmp_path / "cut.parquet").write_bytes(b"")
    assert refusal(tmp_path / "run", good, tmp_path / "cut.parquet").endswith("an empty file; fetch it again")
    (tmp_path / "bad.csv").write_bytes(b"URL,TEXT\na,b,c\nd,e,f\n")
    with pytest.raises(PartError, match=r"bad\.csv: all 2 lines are bad"):
        planned(tmp_path / "run", good, tmp_path / "bad.csv", skip_bad_lines=True)


@pytest.mark.parametrize(("name", "rows"), [("a.parquet", None), ("a.csv", b"URL\nhttp://192.0.2.1/\n")])
def test_rows_that_have_gone_since_are_a_change(tmp_path: Path, name: str, rows: bytes | None) -> None:
    part, settings, output = tmp_path / name, Settings(models="fake"), str(tmp_path / "run")
    part.write_bytes(rows) if rows else write_part(part)
    good = str(write_part(tmp_path / "good.parquet"))
    plan = plan_run([str(part), good], output, settings)
    write_run(plan.store, plan.run)
    write_parts(plan.store, plan.new)
    part.write_bytes(b"") if rows else pq.write_table(TEXTS, part)
    with pytest.raises(FleetError, match=r"no rows|has none now"):
        plan_run([str(part), good], output, settings)
    assert len(read_parts(plan.store)) == 2

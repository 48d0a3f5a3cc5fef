"""A merge into a data set that holds an earlier one: the rows of a whole merge, in few new files."""

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

from common.errors import FleetError
from common.run.status import Status
from common.settings import S3Settings
from common.store import Store, open_store
from dataset.files.merged import Merged
from dataset.merge.flow import Options
from dataset.merge.outcomes import Filters
from dataset.merge.thinning import Thinning
from tests.dataset.command import run_dataset, start_dataset
from tests.dataset.conftest import NewStore
from tests.dataset.contents import contents
from tests.dataset.merge.runs import make_run, merge_runs, names_of, row, table_of
from tests.dataset.synthetic import (
    RunShape,
    captioned,
    random_rows,
    retried,
    write_manifest,
    write_run,
    write_shard,
)

SHAPE = RunShape()


def bodies(store: Store, merged: Merged) -> dict[str, bytes]:
    return {key: store.read(key) or b"" for key in merged.keys}


def rows_of(store: Store, merged: Merged) -> list[dict[str, Any]]:
    """In an order of their own."""
    rows: list[dict[str, Any]] = table_of(store, merged).to_pylist()
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def rerun(store: Store) -> None:
    """A run over what failed in that of `SHAPE`, and over some rows that did not."""
    rows = [row for batch in SHAPE.batches() for row in random_rows(SHAPE, batch)]
    chosen = [row for number, row in enumerate(rows) if row["status"] != Status.OK or number % 40 == 0]
    shape = retried(SHAPE, chosen)
    write_manifest(store, shape)
    for batch in shape.batches():
        some = chosen[batch.first_row : batch.first_row + batch.rows]
        bare = [{name: one[name] for name in ("URL", "TEXT")} for one in some]
        write_shard(store, shape, batch, [captioned(one, random.Random(one["URL"])) for one in bare])


def test_a_run_that_is_added_gives_the_rows_of_a_whole_merge(new_store: NewStore) -> None:
    write_run(new_store("first"), SHAPE)
    out = new_store("out")
    before = merge_runs([new_store("first")], out)
    old = bodies(out, before)
    rerun(new_store("second"))
    after = merge_runs([new_store("first"), new_store("second")], out)
    whole = merge_runs([new_store("first"), new_store("second")], new_store("whole"))
    assert after.version == 2
    assert after.counts == whole.counts
    assert rows_of(out, after) == rows_of(new_store("whole"), whole)
    assert {entry.key for entry in out.list("data")} == set(after.keys)
    kept = set(old) & set(after.keys)
    assert all(out.read(key) == old[key] for key in kept)
    assert not out.exists("merge.next.json")
    assert after.counts.sentence() in (out.read("README.md") or b"").decode()


def test_new_parts_of_a_run_leave_every_file_as_it_is(folder_store: NewStore) -> None:
    first, *rest = ([row(f"{batch}-{n}") for n in range(30)] for batch in range(4))
    store, out = folder_store("run"), folder_store("out")
    shape = RunShape(parts=1, part_rows=120, batch_rows=30)
    write_manifest(store, shape)
    one, *others = shape.batches()
    write_shard(store, shape, one, first)
    options = Options(part_size=5_000, allow_incomplete=True)
    before = bodies(out, merge_runs([store], out, options))
    for batch, rows in zip(others, rest, strict=True):
        write_shard(store, shape, batch, rows)
    after = merge_runs([store], out, options)
    assert before.items() <= bodies(out, after).items()
    assert names_of(out, after) == [f"{batch}-{n}" for batch in range(4) for n in range(30)]
    assert merge_runs([store], out, options) == after


def test_only_files_that_lose_rows_are_written_again(folder_store: NewStore) -> None:
    rows = [row(f"{n}") for n in range(300)]
    out = folder_store("out")
    before = merge_runs([make_run(folder_store("first"), rows)], out, Options(part_size=10_000))
    assert len(before.keys) > 5
    old = bodies(out, before)
    again = make_run(folder_store("second"), [row("0", seed=1), row("1", Status.OPT_OUT), row("new")], seed=1)
    after = merge_runs([folder_store("first"), again], out, Options(part_size=10_000))
    assert after.retired == (before.keys[0],)
    assert after.keys[0] == before.keys[0].replace(".parquet", "-v2.parquet")
    assert after.keys[1:-1] == before.keys[1:]
    assert after.keys[-1] == "data/train-v2-00000-of-00001.parquet"
    assert all(out.read(key) == old[key] for key in before.keys[1:])
    assert names_of(out, after) == [f"{n}" for n in range(2, 300)] + ["0", "new"]


def test_a_file_that_loses_every_row_goes(folder_store: NewStore) -> None:
    out = folder_store("out")
    first = make_run(folder_store("first"), [row("a"), row("b")])
    merge_runs([first], out)
    second = make_run(folder_store("second"), [row("a", seed=1), row("b", seed=1)], seed=1)
    after = merge_runs([first, second], out)
    assert [entry.key for entry in out.list("data")] == after.keys == ["data/train-v2-00000-of-00001.parquet"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Options(part_size=1), "part size"),
        (Options(part_size=20_000, filters=Filters(0.3)), "min similarity"),
    ],
)
def test_other_wishes_are_refused(folder_store: NewStore, options: Options, said: str) -> None:
    first = make_run(folder_store("first"), [row("a"), row("b")])
    merge_runs([first], folder_store("out"))
    second = make_run(folder_store("second"), [row("c")], seed=1)
    with pytest.raises(FleetError, match=rf"another merge \({said}"):
        merge_runs([first, second], folder_store("out"), options)
    with pytest.raises(FleetError, match=r"run .*first there, and not here"):
        merge_runs([second], folder_store("out"))


def test_chosen_rows_are_not_added_to(folder_store: NewStore) -> None:
    options = Options(thinning=Thinning(sample=1))
    first = make_run(folder_store("first"), [row("a"), row("b")])
    merge_runs([first], folder_store("out"), options)
    second = make_run(folder_store("second"), [row("c")], seed=1)
    with pytest.raises(FleetError, match="chosen among all"):
        merge_runs([first, second], folder_store("out"), options)


def test_killed_at_any_point_and_started_again_it_gives_the_same_files(tmp_path: Path) -> None:
    stores = {name: open_store(str(tmp_path / name), S3Settings()) for name in ("first", "second", "whole")}
    write_run(stores["first"], SHAPE)
    rerun(stores["second"])
    options = ["--part-size", "20KB"]
    one = ["merge", "--run", f"{tmp_path}/first", *options]
    both = ["merge", "--run", f"{tmp_path}/first", "--run", f"{tmp_path}/second", *options]
    run_dataset(*one, "--output", f"{tmp_path}/whole")
    started = time.monotonic()
    run_dataset(*both, "--output", f"{tmp_path}/whole")
    took = time.monotonic() - started
    undisturbed = contents(tmp_path / "whole")
    draw = random.Random(0)
    run_dataset(*one, "--output", f"{tmp_path}/killed")
    for _ in range(6):
        killed = start_dataset(*both, "--output", f"{tmp_path}/killed")
        time.sleep(draw.uniform(0, took))
        killed.kill()
        killed.wait()
    assert run_dataset(*both, "--output", f"{tmp_path}/killed").returncode == 0
    assert contents(tmp_path / "killed") == undisturbed

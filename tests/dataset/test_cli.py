"""The commands as people run them: exit codes, what goes to which stream, bad input as one line."""

from pathlib import Path

import pytest

from tests.dataset.command import error_line, run_dataset, run_from_nothing
from tests.dataset.conftest import NewStore
from tests.dataset.synthetic import RunShape, random_rows, write_manifest, write_run, write_shard

SHAPE = RunShape(parts=1, part_rows=200)


def test_merge_prints_the_balance_and_takes_its_places_from_the_environment(new_store: NewStore) -> None:
    store = new_store("run")
    write_run(store, SHAPE)
    finished = run_from_nothing("merge", FLEET_OUTPUT=store.uri)
    assert finished.returncode == 0
    balance, where = finished.stdout.splitlines()
    assert balance.startswith("200 rows in = ")
    total, parts = balance.split(" rows in = ")
    assert int(total) == sum(int(part.split()[0]) for part in parts.split(" + "))
    assert where == f"parquet files: 1, in {store.uri}/data"


def test_an_incomplete_run_is_exit_code_1(folder_store: NewStore) -> None:
    store = folder_store("run")
    write_manifest(store, SHAPE)
    first, *_ = SHAPE.batches()
    write_shard(store, SHAPE, first, random_rows(SHAPE, first))
    finished = run_dataset("merge", "--run", store.uri, "--output", folder_store("out").uri)
    assert finished.returncode == 1
    assert not finished.stdout
    assert "1 of 2 batches have no shard" in error_line(finished)
    assert not Path(folder_store("out").uri).exists()
    options = ("--run", store.uri, "--output", folder_store("out").uri, "--allow-incomplete")
    assert run_dataset("merge", *options).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["merge", "--run", "nowhere", "--output", "out"], "no run here"),
        (["merge", "--run", "gs://bucket/run", "--output", "out"], "an output is a folder or s3://"),
        (["merge", "--output", "out", "--deny-list", "missing.txt", "--run", "nowhere"], "missing.txt"),
        (["merge"], "FLEET_OUTPUT"),
        (["gallery", "--run", "nowhere"], "no run here"),
        (["card", "--output", "nowhere"], "run `dataset merge` first"),
        (["publish", "--repo", "a/b", "--output", "nowhere"], "run `dataset merge` first"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(outside: Path, arguments: list[str], said: str) -> None:
    finished = run_dataset(*arguments)
    assert finished.returncode == 2
    assert said in error_line(finished)
    assert not list(outside.iterdir())


@pytest.mark.parametrize("size", ["5", "0MB", "5GB", "big", "-1MB"])
def test_a_part_size_that_is_none(outside: Path, size: str) -> None:
    finished = run_dataset("merge", "--run", "nowhere", "--output", "out", f"--part-size={size}")
    assert finished.returncode == 2
    assert "write it as 500MB" in " ".join(finished.stderr.split())


def test_gallery_writes_one_page_and_says_where(new_store: NewStore, outside: Path) -> None:
    write_run(new_store("run"), SHAPE)
    finished = run_from_nothing(
        "gallery", "--rows", "10", "--page", "deep/page.html", FLEET_OUTPUT=new_store("run").uri
    )
    page = outside / "deep" / "page.html"
    assert finished.stdout == f"10 samples: {page}\n"
    assert page.read_text().count("<article") == 10
    assert [path.name for path in page.parent.iterdir()] == ["page.html"]


def test_a_page_that_cannot_be_written_is_one_line(folder_store: NewStore, outside: Path) -> None:
    write_run(folder_store("run"), SHAPE)
    (outside / "file").write_text("in the way")
    finished = run_dataset("gallery", "--run", folder_store("run").uri, "--page", "file/page.html")
    assert finished.returncode == 2
    assert error_line(finished).startswith("error: file/page.html: ")

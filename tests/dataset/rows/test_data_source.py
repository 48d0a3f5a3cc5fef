"""What is published can be looked at: a merged folder, S3, the Hub; never what a merge took out."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.deny.deny_list import parse_deny_list
from common.errors import FleetError
from common.settings import S3Settings
from common.store import Store
from dataset.merge.flow import Options
from dataset.merge.outcomes import Filters
from dataset.rows.row_source import open_rows
from dataset.rows.sample import draw, draw_positions
from tests.dataset.command import error_line, run_dataset
from tests.dataset.conftest import NewStore
from tests.dataset.hub import Hub, local_hub
from tests.dataset.merge.runs import make_run, merge_runs, row

DENIED = {"3", "7"}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with local_hub() as served:
        yield served


def a_data_set(new_store: NewStore) -> Store:
    """Of 38 of 40 rows, in several files."""
    run = make_run(new_store("run"), [row(f"{n}") for n in range(40)])
    lines = [f"https://images.example/{name}.jpg" for name in DENIED]
    options = Options(part_size=3_000, filters=Filters(deny_list=parse_deny_list(lines, "list")))
    merge_runs([run], new_store("out"), options)
    return new_store("out")


def names(urls: list[str]) -> set[str]:
    return {url.rpartition("/")[2].removesuffix(".jpg") for url in urls}


def test_rows_are_drawn_from_the_data_set_alone(new_store: NewStore) -> None:
    store = a_data_set(new_store)
    settings = S3Settings() if not store.uri.startswith("s3://") else _settings()
    sample = draw(open_rows(None, store.uri, settings), 100, 0)
    assert names([one["URL"] for one in sample.rows]) == {f"{n}" for n in range(40)} - DENIED
    assert sample.total == 38
    assert sample.statuses == {"ok": 38}
    assert all(one["all_captions"] and one["shortlist"] is None for one in sample.rows)


def _settings() -> S3Settings:
    from common.console.cli import load_settings  # noqa: PLC0415

    return load_settings().s3


def test_gallery_and_stats_of_what_the_hub_holds(folder_store: NewStore, hub: Hub, tmp_path: Path) -> None:
    store = a_data_set(folder_store)
    hub.private["owner/captions"] = True
    hub.files = {entry.key: store.read(entry.key) or b"" for entry in store.list("data")}
    environment = {**hub.environment, "HF_HOME": str(tmp_path / "home")}
    uri = "hf://datasets/owner/captions"
    page = tmp_path / "page.html"
    options = ("--data", uri, "--rows", "50", "--page", str(page))
    assert run_dataset("gallery", *options, **environment).stdout == f"38 samples: {page}\n"
    assert not any(f"images.example/{name}.jpg" in page.read_text() for name in DENIED)
    finished = run_dataset("stats", "--data", uri, "--json", **environment)
    assert json.loads(finished.stdout)["rows"] == 38
    finished = run_dataset("stats", "--data", "hf://datasets/owner/nothing", **environment)
    assert finished.returncode == 2
    assert error_line(finished).startswith("error: hf://datasets/owner/nothing: ")


def test_a_data_set_without_its_record_is_read_too(folder_store: NewStore) -> None:
    store = a_data_set(folder_store)
    store.delete("merge.json")
    assert draw(open_rows(None, store.uri, S3Settings()), 100, 0).total == 38


def test_what_is_no_data_set_is_one_line(folder_store: NewStore, tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="no data set here"):
        open_rows(None, str(tmp_path / "nowhere"), S3Settings())
    with pytest.raises(FleetError, match="not both"):
        open_rows("run", "data", S3Settings())
    folder_store("odd").create("data/x.parquet", b"PAR1")
    with pytest.raises(FleetError, match=r"x\.parquet: damaged"):
        open_rows(None, folder_store("odd").uri, S3Settings())


@pytest.mark.parametrize("rows", [0, 1, 2, 7, 1000])
def test_positions_come_once_and_all(rows: int) -> None:
    drawn = list(draw_positions(rows, 1))
    assert sorted(drawn) == list(range(rows))
    assert rows < 7 or drawn != sorted(drawn)

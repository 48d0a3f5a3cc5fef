"""A merge takes nothing for its own that is not: neither foreign files, nor cut ones, nor strays."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from common.deny.deny_list import parse_deny_list
from common.errors import FleetError
from common.settings import S3Settings
from common.store import open_store
from dataset.errors import BadRunError
from dataset.merge.flow import Options, merge
from dataset.merge.outcomes import Filters
from dataset.publish.publish import plan_upload
from dataset.stats import read_stats
from tests.dataset.command import error_line, run_dataset
from tests.dataset.synthetic import RunShape, write_run

SHAPE = RunShape(parts=1, part_rows=200)
FILE = "data/train-00000-of-00001.parquet"
S3 = S3Settings()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, and a data set merged from it."""
    folder = tmp_path_factory.mktemp("own")
    write_run(open_store(str(folder / "run"), S3), SHAPE)
    again(folder)
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    """The run where it is, and a copy of the data set."""
    (tmp_path / "run").symlink_to(original / "run")
    shutil.copytree(original / "out", tmp_path / "out")
    return tmp_path


def again(folder: Path, options: Options | None = None) -> None:
    merge([str((folder / "run").resolve())], f"{folder}/out", options or Options(), S3)


def publish(folder: Path) -> None:
    plan_upload(open_store(f"{folder}/out", S3), S3)


def stats(folder: Path) -> None:
    read_stats(f"{folder}/out", S3)


def _foreign(file: Path) -> None:
    pq.write_table(pq.read_table(file).slice(1), file)


def _foreign_of_as_many_rows(file: Path) -> None:
    pq.write_table(pq.read_table(file), file)


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def _empty(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("damage", [_foreign, _foreign_of_as_many_rows, _cut, _empty])
@pytest.mark.parametrize("command", [again, publish, stats])
def test_a_file_of_something_else_is_refused(
    folder: Path, damage: Callable[[Path], None], command: Callable[[Path], None]
) -> None:
    file = folder / "out" / FILE
    damage(file)
    before = file.read_bytes()
    with pytest.raises(FleetError, match=f"{file}: .*delete it and run the same command again"):
        command(folder)
    assert file.read_bytes() == before


def test_another_merges_file_of_the_same_name_is_refused(folder: Path) -> None:
    write_run(open_store(str(folder / "other"), S3), RunShape(parts=1, part_rows=200, seed=1))
    merge([f"{folder}/other"], f"{folder}/theirs", Options(), S3)
    shutil.copy(folder / "theirs" / FILE, folder / "out" / FILE)
    with pytest.raises(FleetError, match=f"{FILE}: a file of something else"):
        again(folder)


def test_data_without_their_record_are_refused(folder: Path) -> None:
    (folder / "out" / "merge.json").unlink()
    filters = Filters(deny_list=parse_deny_list(["images.example"], "list"))
    with pytest.raises(FleetError, match=r"no merge\.json says what it is"):
        again(folder, Options(filters=filters))


@pytest.mark.parametrize("name", ["train-00001-of-00002.parquet", "notes.txt", "deep/x.parquet"])
def test_a_stray_is_refused(folder: Path, name: str) -> None:
    stray = folder / "out" / "data" / name
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"")
    for command in (again, publish):
        with pytest.raises(FleetError, match=f"{stray}: not a file of this data set; move it away"):
            command(folder)


def test_a_merge_of_no_row_leaves_nothing(folder: Path) -> None:
    with pytest.raises(BadRunError, match=r"no row is left \(200 rows in = 0 out"):
        merge([f"{folder}/run"], f"{folder}/none", Options(filters=Filters(2.0)), S3)
    assert not list((folder / "none").rglob("*.*"))


def test_a_merge_of_no_row_is_exit_code_1(folder: Path) -> None:
    options = ("--run", f"{folder}/run", "--output", f"{folder}/none", "--min-similarity", "2")
    finished = run_dataset("merge", *options)
    assert (finished.returncode, finished.stdout) == (1, "")
    assert "no row is left" in error_line(finished)


def test_a_data_set_of_version_0_1_is_read(folder: Path) -> None:
    file = folder / "out" / FILE
    table = pq.read_table(file)
    said = pq.ParquetFile(file).metadata.metadata
    kept = {name: said[name] for name in (b"fleet", b"fleet.tally")}
    pq.write_table(table.replace_schema_metadata(kept), file)
    record = folder / "out" / "merge.json"
    record.write_text(_as_0_1_wrote_it(record.read_text(), table.num_rows))
    publish(folder)
    assert read_stats(f"{folder}/out", S3).rows == table.num_rows


def _as_0_1_wrote_it(record: str, rows: int) -> str:
    said = json.loads(record)
    recipe = {name: said["recipe"][name] for name in RECIPE_OF_0_1}
    counts = {name: said["counts"][name] for name in COUNTS_OF_0_1}
    kept = {name: said[name] for name in ("models", "dtypes", "sampling")}
    return json.dumps({**kept, "format": 1, "recipe": recipe, "counts": counts, "file_rows": [rows]})


COUNTS_OF_0_1 = ("rows_out", "duplicates", "failures", "filtered", "superseded")
RECIPE_OF_0_1 = (
    "runs", "shards", "missing_batches", "min_similarity", "deny_list",
    "keep_columns", "part_size", "compression", "pyarrow", "version",
)  # fmt: skip

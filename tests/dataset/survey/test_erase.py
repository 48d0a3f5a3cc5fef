"""Raters can be left out of a report, and erased."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dataset.survey.layout import ANSWERS
from tests.dataset.command import error_line, run_dataset, run_from_nothing
from tests.dataset.survey.simulate import guess_blindly, simulate
from tests.dataset.survey.surveys import make_survey


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A survey that three raters have answered."""
    make_survey(tmp_path / "survey", 6)
    simulate(tmp_path / "survey", 3, guess_blindly)
    return tmp_path / "survey"


def raters(folder: Path, *options: str) -> list[int]:
    """Those of the report."""
    finished = run_dataset("survey", "report", str(folder), *options)
    assert finished.returncode == 0, finished.stderr
    (said,) = json.loads((folder / "report" / "report.json").read_text())["rounds"]
    return [row["rater"] for row in said["by_rater"]]


def rows(folder: Path, table: str) -> int:
    with closing(sqlite3.connect(folder / ANSWERS)) as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(count)


def test_a_report_without_a_rater(folder: Path) -> None:
    assert raters(folder) == [1, 2, 3]
    assert raters(folder, "--without", "2") == [1, 3]
    finished = run_from_nothing("survey", "report", str(folder), "--without", "9")
    assert (finished.returncode, "no answers of rater 9" in error_line(finished)) == (2, True)
    everyone = [option for n in (1, 2, 3) for option in ("--without", f"{n}")]
    assert "nobody is left" in error_line(run_dataset("survey", "report", str(folder), *everyone))


def test_a_rater_is_erased_with_all_that_is_known_of_them(folder: Path) -> None:
    with closing(sqlite3.connect(folder / ANSWERS)) as connection:
        (before,) = connection.execute("SELECT shuffle FROM rater WHERE id = 2").fetchone()
    assert _times_of(folder, before) == 1
    finished = run_from_nothing("survey", "erase", str(folder), "--rater", "2")
    assert finished.stdout == "6 answers of rater 2 deleted\n"
    assert (rows(folder, "rater"), rows(folder, "answer")) == (2, 12)
    assert raters(folder) == [1, 3]
    assert _times_of(folder, before) == 0
    finished = run_dataset("survey", "erase", str(folder), "--rater", "2")
    assert (finished.returncode, "there is no such rater" in error_line(finished)) == (2, True)


def _times_of(folder: Path, secret: str) -> int:
    """How often the file holds what only one rater has."""
    return sum(path.read_bytes().count(secret.encode()) for path in folder.glob(f"{ANSWERS}*"))

"""Samples per rater, attention checks and answering times."""

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from dataset.survey.answers import Answer, write
from dataset.survey.checks import caption_of
from dataset.survey.database import open_database
from dataset.survey.layout import ANSWERS, Author, Survey, read_survey, read_truth
from dataset.survey.raters import Rater, invite
from dataset.survey.spelling import alike
from tests.dataset.command import error_line, run_dataset, run_from_nothing
from tests.dataset.survey.conftest import OPEN, World
from tests.dataset.survey.simulate import guess_blindly, simulate
from tests.dataset.survey.surveys import make_survey


def orders(survey: Survey, raters: int) -> list[list[str]]:
    return [Rater(number, f"{number}", consented=True).order(survey) for number in range(1, raters + 1)]


@pytest.mark.parametrize(("samples", "share", "raters"), [(20, 5, 8), (20, 7, 11), (6, 6, 3), (5, 1, 9)])
def test_shares_are_even_and_each_rater_has_an_order(
    tmp_path: Path, samples: int, share: int, raters: int
) -> None:
    survey = make_survey(tmp_path / "survey", samples + 2, per_rater=share, checks=2)
    seen = orders(survey, raters)
    assert all(len(order) == len(set(order)) == share + 2 for order in seen)
    assert all(survey.checks <= set(order) for order in seen)
    counts = Counter(name for order in seen for name in order if name not in survey.checks)
    times = [counts[sample.id] for sample in survey.samples if sample.id not in survey.checks]
    assert max(times) - min(times) <= 1
    assert sum(times) == share * raters
    assert len({tuple(order) for order in seen}) > 1


def test_without_a_share_everybody_sees_every_sample(tmp_path: Path) -> None:
    survey = make_survey(tmp_path / "survey", 12)
    for order in orders(survey, 3):
        assert sorted(order) == sorted(sample.id for sample in survey.samples)


def report(folder: Path, *options: str) -> dict[str, Any]:
    finished = run_dataset("survey", "report", str(folder), *options)
    assert finished.returncode == 0, finished.stderr
    (said,) = json.loads((folder / "report" / "report.json").read_text())["rounds"]
    return dict(said)


def answer_checks(folder: Path, rater: int, *, rightly: bool) -> None:
    """As the checks ask, or with the rating beside it."""
    truth = read_truth(folder, read_survey(folder))
    with open_database(folder / ANSWERS) as database:
        for sample, check in truth.checks.items():
            rating = check.rating if rightly else (check.rating + 1) % 6
            write(database, rater, sample, 1, Answer(check.guess, rating))


def test_checks_are_counted_apart_and_who_fails_them_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "survey"
    make_survey(folder, 12, per_rater=6, checks=4)
    simulate(folder, 3, guess_blindly)
    for rater in (1, 2, 3):
        answer_checks(folder, rater, rightly=rater != 2)
    said = report(folder)
    assert (said["samples"], said["per_rater"], said["checks"]) == (8, 6, 4)
    assert (said["answers"], said["finished"]) == (18, 3)
    rows = {row["rater"]: (row["passed"], row["checks"]) for row in said["by_rater"]}
    assert rows == {1: (4, 4), 2: (0, 4), 3: (4, 4)}
    for name in ("report.md", "report.html"):
        text = (folder / "report" / name).read_text()
        assert "Rater 2 passed 0 of 4 attention checks" in text
        assert "Rater 1 passed" not in text
    table = pq.read_table(folder / "report" / "answers.parquet")
    assert table.num_rows == 18
    assert not set(table["sample"].to_pylist()) & read_survey(folder).checks
    assert report(folder, "--without", "2")["answers"] == 12


def test_times_between_answers_without_breaks(tmp_path: Path) -> None:
    folder = tmp_path / "survey"
    survey = make_survey(folder, 5)
    with open_database(folder / ANSWERS) as database:
        invite(database, 1)
        for sample in survey.samples:
            write(database, 1, sample.id, 0, Answer(Author.HUMAN, 3))
    with closing(sqlite3.connect(folder / ANSWERS)) as connection, connection:
        for number, second in enumerate((0, 4, 10, 2000, 2008), 1):
            at = f"2026-01-01T00:{second // 60:02}:{second % 60:02}.000+00:00"
            connection.execute("UPDATE answer SET at = ? WHERE id = ?", (at, number))
    (row,) = report(folder)["by_rater"]
    assert row["seconds"] == 6  # of 4, 6 and 8: the half hour was a break
    table = pq.read_table(folder / "report" / "answers.parquet")
    assert table["seconds"].to_pylist() == [None, 4, 6, None, 8]
    assert "| 6.0 |" in (folder / "report" / "report.md").read_text()


def test_the_command_makes_shares_and_checks(world: World, tmp_path: Path) -> None:
    options = ("--machine-only", "--n", "6", "--run", world.run, "--output", str(tmp_path / "survey"))
    asked = ("--per-rater", "4", "--checks", "2")
    finished = run_from_nothing("survey", "build", *options, *asked, **OPEN)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == f"6 samples and 2 attention checks: {tmp_path / 'survey'}\n"
    survey = read_survey(tmp_path / "survey")
    truth = read_truth(tmp_path / "survey", survey)
    captions = {sample.id: sample.caption for sample in survey.samples}
    assert (len(captions), survey.share) == (8, 4)
    assert truth.checks.keys() == survey.checks
    assert {check.guess for check in truth.checks.values()} == set(Author)
    for name, check in truth.checks.items():
        assert captions[name] == caption_of(check) == alike(caption_of(check))
    (tmp_path / "survey").rename(tmp_path / "first")
    too_many = run_dataset("survey", "build", *options, "--per-rater", "7", **OPEN)
    assert (too_many.returncode, "more than the 6 samples" in error_line(too_many)) == (2, True)

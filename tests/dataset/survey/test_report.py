"""The report's files, from answers in the real database."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

from dataset.cli import main
from dataset.survey.answers import Answer, write
from dataset.survey.database import open_database
from dataset.survey.layout import ANSWERS, TRUTH, Author
from dataset.survey.raters import invite
from tests.dataset.browser import browser, needs_chromium
from tests.dataset.command import error_line
from tests.dataset.survey.simulate import guess_blindly, simulate, tell_often
from tests.dataset.survey.surveys import make_survey, sample_id
from tests.processes import run_here

HOSTILE = "<script>window.pwned = 1</script> | `x` **bold** [a](javascript:b) {{ 7 * 7 }}"


@pytest.fixture(scope="module")
def rounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The original's two rounds in small, and their report."""
    place = tmp_path_factory.mktemp("rounds")
    make_survey(place / "mixed", 20, captions={1: HOSTILE})
    make_survey(place / "machine", 30, machine_only=True)
    simulate(place / "mixed", 12, tell_often)
    simulate(place / "machine", 12, guess_blindly)
    out = report(place / "mixed", place / "machine", "--output", place / "report")
    assert out.splitlines() == [
        "240 answers of 12 raters to 20 samples",
        "360 answers of 12 raters to 30 samples",
        f"report: {place / 'report' / 'report.html'}",
    ]
    return place


def report(*arguments: object, code: int = 0) -> str:
    finished = run_here(main, "survey", "report", *arguments, environment={})
    assert finished.returncode == code, finished.stderr
    return finished.stdout if code == 0 else error_line(finished)


def test_json_has_every_figure(rounds: Path) -> None:
    mixed, machine = json.loads((rounds / "report" / "report.json").read_text())["rounds"]
    assert (mixed["machine_only"], machine["machine_only"]) == (False, True)
    assert sum(sum(guesses.values()) for guesses in mixed["confusion"].values()) == 240
    assert mixed["telling"]["p_value"] < 0.01
    assert mixed["ratings"][0]["published"] == {"mean": 3.98, "deviation": 0.99}
    share = machine["shares"][0]
    assert share["published"] == 0.475
    assert share["share"]["low"] < share["share"]["value"] < share["share"]["high"]
    assert machine["telling"] is None
    assert len(machine["failures"]) == 12
    lowest = [failure["rating"] for failure in machine["failures"]]
    assert lowest == sorted(lowest)


def test_markdown_shows_published_and_new_side_by_side(rounds: Path) -> None:
    text = (rounds / "report" / "report.md").read_text()
    assert "| written by a human | 120 | 3.98 ± 0.99 | " in text
    assert "| taken for human | 47.5 % | " in text
    assert "Can raters tell? Yes" in text
    assert "![](../machine/pictures/" in text
    link = text.partition("![](../machine/")[2].partition(")")[0]
    assert (rounds / "machine" / link).is_file()


def test_a_hostile_caption_is_text_in_markdown_and_page(rounds: Path) -> None:
    make = rounds / "hostile"
    make_survey(make, 2, machine_only=True, captions={0: HOSTILE, 1: HOSTILE})
    simulate(make, 2, guess_blindly)
    report(make)
    text = (make / "report" / "report.md").read_text()
    assert (
        "&lt;script>window.pwned = 1&lt;/script> \\| \\`x\\` \\*\\*bold\\*\\* \\[a\\](javascript:b)" in text
    )
    page = (make / "report" / "report.html").read_text()
    assert "<script" not in page
    assert "{{ 7 * 7 }}" in page


def test_parquet_holds_every_answer_beside_the_truth(rounds: Path) -> None:
    table = pq.read_table(rounds / "report" / "answers.parquet")
    assert table.num_rows == 600
    rows = table.to_pylist()
    assert {row["truth"] for row in rows} == {row["guess"] for row in rows} == {"human", "machine"}
    assert {row["rating"] for row in rows} <= set(range(6))
    assert rows[0]["answered_at"].tzinfo is not None
    assert rows[0]["source"].startswith("https://images.example/")
    mixed = [row for row in rows if row["survey"] == str(rounds / "mixed")]
    figures = json.loads((rounds / "report" / "report.json").read_text())["rounds"][0]
    taken = sum(row["truth"] == "human" and row["guess"] == "human" for row in mixed)
    assert taken == figures["confusion"]["human"]["human"]


def test_what_was_taken_back_or_changed_counts_once_as_it_stands(tmp_path: Path) -> None:
    make_survey(tmp_path / "survey", 4)
    with open_database(tmp_path / "survey" / ANSWERS) as database:
        invite(database, 1)
        for number, rating in enumerate((5, 4, 3)):
            write(database, 1, sample_id(number), 0, Answer(Author.HUMAN, rating))
        write(database, 1, sample_id(1), 1, None)
        write(database, 1, sample_id(2), 1, Answer(Author.MACHINE, 0))
    report(tmp_path / "survey")
    figures = json.loads((tmp_path / "survey" / "report" / "report.json").read_text())["rounds"][0]
    assert figures["confusion"] == {
        "human": {"human": 1, "machine": 1},
        "machine": {"human": 0, "machine": 0},
    }
    assert figures["answers"] == 2
    assert figures["shares"][1]["share"]["value"] is None
    assert "Under ten raters" in (tmp_path / "survey" / "report" / "report.md").read_text()


def test_it_can_be_written_while_raters_are_at_work(tmp_path: Path) -> None:
    make_survey(tmp_path / "survey", 4)
    with open_database(tmp_path / "survey" / ANSWERS) as database:
        invite(database, 2)
        write(database, 1, sample_id(0), 0, Answer(Author.HUMAN, 5))
        report(tmp_path / "survey")
        write(database, 1, sample_id(1), 0, Answer(Author.HUMAN, 5))
    assert report(tmp_path / "survey").startswith("2 answers of 1 raters")


def test_bad_input_is_one_line(tmp_path: Path, rounds: Path) -> None:
    folder = tmp_path / "survey"
    make_survey(folder, 2)
    assert "nobody has answered yet" in report(folder, code=2)
    simulate(folder, 1, guess_blindly)
    (tmp_path / "file").write_text("in the way")
    assert "give another --output" in report(folder, "--output", tmp_path / "file" / "x", code=2)
    truth = (folder / TRUTH).read_text()
    (folder / TRUTH).write_text((rounds / "mixed" / TRUTH).read_text())
    assert "do not mix surveys" in report(folder, code=2)
    (folder / TRUTH).unlink()
    assert "truth.json: No such file" in report(folder, code=2)
    (folder / TRUTH).write_text(truth)
    (folder / ANSWERS).write_bytes(b"x" * 10_000)
    assert "answers.db: damaged" in report(folder, code=2)
    (folder / ANSWERS).write_bytes((rounds / "mixed" / ANSWERS).read_bytes())
    assert "answers to samples of another survey" in report(folder, code=2)
    assert "survey.json: No such file" in report(tmp_path / "nothing", code=2)


@needs_chromium
def test_the_page_in_a_browser(rounds: Path) -> None:
    with browser(390, 900) as context:
        tab = context.new_page()
        said: list[str] = []
        tab.on("console", lambda message: said.append(message.text))
        tab.on("request", lambda request: said.append(request.url))
        for width in (390, 1280):
            tab.set_viewport_size({"width": width, "height": 900})
            tab.goto((rounds / "report" / "report.html").as_uri())
            assert tab.locator("svg").count() == 6
            assert tab.locator("article").count() == 22
            assert tab.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            assert tab.evaluate("window.pwned") is None
            found = Axe().run(tab)
            assert found.violations_count == 0, found.generate_report()
        assert not [line for line in said if not line.startswith(("file:", "data:"))]

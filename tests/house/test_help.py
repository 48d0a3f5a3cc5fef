"""`--help` on a terminal of 80 columns: every summary whole."""

import pytest
import typer
from typer.testing import CliRunner

from dataset.cli import app as dataset
from producer.cli import app as producer


@pytest.mark.parametrize(
    ("app", "words", "commands"),
    [(producer, [], 6), (dataset, [], 6), (dataset, ["survey"], 4)],
    ids=["producer", "dataset", "survey"],
)
def test_no_summary_is_cut(app: typer.Typer, words: list[str], commands: int) -> None:
    answer = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "80"})
    assert answer.exit_code == 0
    summaries = answer.stdout.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    assert len(summaries) >= commands
    for summary in summaries:
        assert summary.rstrip().endswith((".", "?")), summary
        assert "..." not in summary, summary

"""`--help` on a terminal of 80 columns: every summary whole."""

import subprocess
import sys

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


HEAVY = {"botocore", "celery", "httpx2", "huggingface_hub", "jinja2", "pandas", "pyarrow", "redis", "uvicorn"}
EVERY_HELP = """
from typer.main import get_command
from dataset.cli import app as dataset
from dataset.survey.cli import app as survey
from producer.cli import app as producer

for app in dataset, survey, producer:
    for words in [], *([name] for name in get_command(app).commands):
        app([*words, "--help"], standalone_mode=False)
"""
COMMANDS = """
import dataset.merge.flow, dataset.gallery.gallery, dataset.stats
import producer.enqueue, producer.status, producer.verify, workers.celery
"""


def loaded(program: str) -> set[str]:
    """The heavy libraries that a process of its own has loaded by its end."""
    program += f"\nimport sys\nprint(*({HEAVY} & sys.modules.keys()), file=sys.stderr)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(answer.stderr.split())


def test_no_help_waits_for_a_library() -> None:
    assert loaded(EVERY_HELP) == set()


def test_a_run_in_a_folder_waits_for_no_library_of_s3_or_the_hub() -> None:
    assert loaded(COMMANDS) & {"botocore", "httpx2"} == set()

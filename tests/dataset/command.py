"""The console script as people run it: in a process of its own, without the worker's extra."""

import os
import subprocess
import sys
from functools import cache

from tests.forks import Fork, Forks

LEAN = "import sys; sys.modules.update(numpy=None, pandas=None); from dataset.cli import main; "
DATASET = f"{LEAN}main()"
LOADED = f"""
{LEAN}
import boto3, dataset.gallery.gallery, dataset.merge.flow, dataset.publish.publish, dataset.score.score
import dataset.stats, dataset.survey.build, dataset.survey.report.write, dataset.withdraw.withdraw
from tests.forks import serve
serve(main)
"""


def run_dataset(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run `dataset` with these arguments; `environment` is added to ours."""
    return start_dataset(*arguments, **environment).wait()


def start_dataset(*arguments: str, **environment: str) -> Fork:
    return _forks().start(*arguments, **environment)


@cache
def _forks() -> Forks:
    return Forks(LOADED)


def run_from_nothing(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """As `run_dataset`, in an interpreter that has loaded nothing yet."""
    return subprocess.run(
        [sys.executable, "-c", DATASET, *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def error_line(finished: "subprocess.CompletedProcess[str]") -> str:
    """The one line on standard error that is not a log line."""
    (line,) = [line for line in finished.stderr.splitlines() if not line.startswith("{")]
    return line

"""The console script as people run it: in a process of its own, without the worker's extra."""

import os
import subprocess
import sys

DATASET = "import sys; sys.modules.update(numpy=None, pandas=None); from dataset.cli import main; main()"


def run_dataset(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run `dataset` with these arguments; `environment` is added to ours."""
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

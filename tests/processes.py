"""Running the installed commands as a person would."""

import io
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
TOY = {"FLEET_MODELS": "toy"}
FAKE = {"FLEET_MODELS": "fake"}
"""Without torch, for what does not depend on the captions."""


def run(
    command: str, *arguments: object, environment: Mapping[str, str] | None = None, cwd: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a console script to its end."""
    return subprocess.run(
        [str(BIN / command), *map(str, arguments)],
        env={**os.environ, **(environment or {})},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def run_here(
    main: Callable[[], None], *arguments: object, environment: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Run a console script's entry point in this process: the same answer as `run`, without its start-up."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["command", *map(str, arguments)])
        for name, value in environment.items():
            patch.setenv(name, value)
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    return subprocess.CompletedProcess([], code, out.getvalue(), err.getvalue())

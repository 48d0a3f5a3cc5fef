"""The working folder shadows nothing: Celery puts it first, and a person's own `common` may lie there."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
"""Where this code lies."""

VARIABLE = "PYTHONSAFEPATH"
"""Keeps the working folder out of a new interpreter's path."""


def leave_working_folder_out() -> None:
    """For the imports that follow, and those of the children."""
    os.environ[VARIABLE] = "1"
    here = str(Path.cwd())
    if sys.path[:1] in ([""], [here]) and not _is_wanted(here):
        del sys.path[0]


def _is_wanted(folder: str) -> bool:
    """Whether the code lies there, or the user put it on the path."""
    return ROOT.samefile(folder) or folder in os.environ.get("PYTHONPATH", "").split(os.pathsep)

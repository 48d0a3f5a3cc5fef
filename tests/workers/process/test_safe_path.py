"""What the working folder shadows, for `celery -A workers`."""

import sys
from pathlib import Path

import pytest

from workers.process.safe_path import ROOT, VARIABLE, leave_working_folder_out


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(sys, "path", ["/elsewhere"])
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.setenv("PYTHONPATH", "")
    return sys.path


@pytest.mark.parametrize("first", ["", "{here}"])
def test_a_folder_that_celery_or_python_put_first_is_left_out(
    path: list[str], outside: Path, first: str
) -> None:
    path.insert(0, first.format(here=outside))
    leave_working_folder_out()
    assert path == ["/elsewhere"]


def test_a_checkout_is_kept(path: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    path.insert(0, str(ROOT))
    leave_working_folder_out()
    assert path == [str(ROOT), "/elsewhere"]


def test_a_folder_that_the_user_put_on_the_path_is_kept(
    path: list[str], outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(outside))
    path.insert(0, str(outside))
    leave_working_folder_out()
    assert path == [str(outside), "/elsewhere"]

"""The table "to change X touch Y" of docs/architecture.md: a dummy of each kind, put there, works."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.house.dummies import DUMMIES, WRITTEN_BY

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(".[!cg]*", ".git", "output", "dist")


@dataclass(frozen=True)
class Change:
    """A row of the table."""

    touch: tuple[str, ...]
    test: tuple[str, ...]


def table() -> Mapping[str, Change]:
    page = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| (an? [^|]+) \|([^|]+)\|([^|]+)\|$", page, re.MULTILINE)
    return {kind: Change(_paths(touch), _paths(test)) for kind, touch, test in rows}


def _paths(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([^`]+)`", cell))


TABLE = table()


def copy(folder: Path) -> Path:
    """The code as it is, in a folder of its own."""
    return Path(shutil.copytree(ROOT, folder / "code", ignore=LEFT_OUT))


def touch(code: Path, kind: str, places: Iterable[str]) -> None:
    for place in places:
        if place not in WRITTEN_BY:
            file = code / place
            before = file.read_text()
            file.write_text(DUMMIES[kind].edits[place](before))
            assert file.read_text() != before, f"{place}: correct tests/house/dummies.py"


def write_pages(code: Path) -> None:
    for page, module in WRITTEN_BY.items():
        answer = python(code, "-m", module)
        assert answer.returncode == 0, answer.stderr
        (code / page).write_text(answer.stdout)


def python(code: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(code)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=code, env=environment, capture_output=True, text=True, check=False
    )


def test_the_table_names_every_kind_and_existing_places() -> None:
    assert TABLE.keys() == DUMMIES.keys()
    for kind, change in TABLE.items():
        assert change.test, kind
        for place in (*change.touch, *change.test):
            assert (ROOT / place).is_file(), place
        assert set(change.touch) - WRITTEN_BY.keys() == DUMMIES[kind].edits.keys(), kind


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with every dummy at exactly the named places."""
    code = copy(tmp_path_factory.mktemp("changed"))
    for kind, change in TABLE.items():
        touch(code, kind, change.touch)
    write_pages(code)
    return code


@pytest.fixture(scope="module")
def proven(changed: Path) -> str:
    """What one process says that runs every proof after the other."""
    program = "".join(
        f"try:\n exec({dummy.proof!r}, {{}})\nexcept BaseException as fault:\n print({kind!r}, repr(fault))\n"
        f"else:\n print({kind!r})\n"
        for kind, dummy in DUMMIES.items()
    )
    answer = python(changed, "-c", program)
    return answer.stdout + answer.stderr


@pytest.mark.parametrize("kind", DUMMIES)
def test_added_at_the_named_places_it_works(kind: str, proven: str) -> None:
    assert kind in proven.splitlines(), proven


QUICK = {"tests/house/test_documents.py", "tests/house/test_help.py", "tests/workers/batch/test_shard.py"}
"""The tests of the table that start no server and load no torch."""


def pytest_in(code: Path, tests: Iterable[str]) -> "subprocess.CompletedProcess[str]":
    return python(code, "-m", "pytest", "-q", "-p", "no:cacheprovider", *sorted(tests))


def test_the_named_tests_pass_then(changed: Path) -> None:
    answer = pytest_in(changed, QUICK)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.soak
def test_all_named_tests_pass_then(changed: Path) -> None:
    answer = pytest_in(changed, {test for change in TABLE.values() for test in change.test})
    assert answer.returncode == 0, answer.stdout


def test_places_that_were_forgotten_are_named(tmp_path: Path) -> None:
    """Only the first place of each is touched: a line for each of the others says so."""
    code = copy(tmp_path)
    kinds = ("a status", "a column", "a metric", "a setting")
    for kind in kinds:
        touch(code, kind, TABLE[kind].touch[:1])
    answer = pytest_in(code, {*QUICK, *TABLE["a metric"].test}.difference(TABLE["an option"].test))
    complaints = re.findall(r"^E +(.*)$", answer.stdout, re.MULTILINE)
    for place in (place for kind in kinds for place in TABLE[kind].touch[1:]):
        assert any(place in line for line in complaints), f"{place}: {complaints}"

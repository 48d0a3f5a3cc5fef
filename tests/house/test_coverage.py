"""CI measures the lines that the tests run, and fails below a floor."""

import os
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MEASURES = ("coverage run -m pytest", "coverage combine", "coverage report")
FLOOR = 95


def commands(target: str, **variables: str) -> str:
    """What `make` would run, the packages taken for installed."""
    inherited = ("COVERAGE", "MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS")  # of the make that runs these tests
    environment = {name: value for name, value in os.environ.items() if name not in inherited} | variables
    command = ["make", "--dry-run", "--assume-old=.venv/ready", target]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize(
    ("target", "variables"), [("test", {"COVERAGE": "1"}), ("coverage", {})], ids=["variable", "target"]
)
def test_lines_are_measured_where_it_is_asked_for(target: str, variables: dict[str, str]) -> None:
    said = commands(target, **variables)
    assert [said.count(measure) for measure in MEASURES] == [1, 1, 1]
    assert "python -m pytest" not in said


def test_lines_are_not_measured_elsewhere() -> None:
    said = commands("test")
    assert "coverage" not in said
    assert said.count("python -m pytest") == 1


def test_ci_asks_for_it_and_the_floor_is_held() -> None:
    assert "\nCOVERAGE=1 make test\n" in (ROOT / ".ci" / "run").read_text()
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["coverage"]
    assert settings["report"]["fail_under"] >= FLOOR
    assert set(settings["run"]["source"]) == {"common", "dataset", "producer", "workers"}

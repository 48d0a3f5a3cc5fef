"""Examples for SkyPilot and Slurm: settings that exist, the image's command, and a signal that arrives."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from common.settings.environment import setting_names

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
SKYPILOT, SLURM = EXAMPLES / "skypilot.yaml", EXAMPLES / "fleet.sbatch"
COMMAND = "celery -A workers worker"
SETTINGS = {
    "FLEET_BROKER_URL": "redis://:secret@broker:6379/0",
    "FLEET_OUTPUT": "/scratch/runs",
    "FLEET_FETCH_CONTACT": "https://example.org/contact",
    "FLEET_CAPTIONER": "captioner@1",
    "FLEET_RANKER": "ranker@1",
    "FLEET_SELECTOR": "selector@1",
}
STAND_IN = """#!/bin/bash
printf '%s\\n' "$$" "$@" > arguments.part
mv arguments.part arguments
exec sleep 60
"""


@pytest.mark.parametrize("example", [SKYPILOT, SLURM], ids=lambda path: path.name)
def test_settings_are_settings(example: Path) -> None:
    named = set(re.findall(r"FLEET_[A-Z_]+", example.read_text()))
    assert SETTINGS.keys() <= named <= setting_names().keys()
    assert COMMAND in example.read_text()


def test_skypilot_gives_the_container_every_variable_and_keeps_secrets_apart() -> None:
    task = yaml.safe_load(SKYPILOT.read_text())
    handed = set(re.findall(r"--env (\w+)", task["run"]))
    assert handed == (task["envs"].keys() - {"IMAGE"}) | task["secrets"].keys()
    assert all(value is None for value in task["secrets"].values())
    assert task["resources"]["use_spot"] is True


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """An environment with a stand-in for apptainer, and the example's variables."""
    program = tmp_path / "bin" / "apptainer"
    program.parent.mkdir()
    program.write_text(STAND_IN)
    program.chmod(0o755)
    return {**SETTINGS, "PATH": f"{program.parent}:{os.environ['PATH']}"}


def test_slurm_signals_the_worker_and_no_shell_before_it(machine: dict[str, str], tmp_path: Path) -> None:
    with subprocess.Popen(["bash", str(SLURM)], env=machine, cwd=tmp_path) as process:
        arguments = _arguments(tmp_path / "arguments")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == -signal.SIGTERM
    assert arguments[0] == str(process.pid)
    assert " ".join(arguments).endswith(f"caption-fleet-worker.sif {COMMAND}")
    for name, value in SETTINGS.items():
        assert f"{name}={value}" in " ".join(arguments)


def _arguments(file: Path) -> list[str]:
    for _ in range(300):
        if file.exists():
            return file.read_text().splitlines()
        time.sleep(0.1)
    raise AssertionError(f"{file} did not appear")


@pytest.mark.parametrize("missing", SETTINGS)
def test_slurm_begins_with_nothing_missing(missing: str, machine: dict[str, str], tmp_path: Path) -> None:
    del machine[missing]
    answer = subprocess.run(
        ["bash", str(SLURM)], env=machine, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert answer.returncode != 0
    assert missing in answer.stderr
    assert not (tmp_path / "arguments").exists()

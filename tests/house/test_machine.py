"""Before it fetches anything `make` says what is missing: Pythons and disks are stand-ins on PATH."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.programs import needs, require

ROOT = Path(__file__).parents[2]
FILES = (
    "Makefile",
    "pyproject.toml",
    "requirements-dev.lock",
    "requirements-tools.lock",
    "scripts/check-machine",
)
SUPPORTED = "the lock needs Python 3.11 to 3.14"
FETCHING = "make: fetching up to 3.5 GB of packages into .venv, where they take 7 GB"
GB = 1 << 20
"""In the kilobytes of df."""


class Machine:
    """A fresh clone on a machine whose Pythons and disks are told."""

    def __init__(self, folder: Path) -> None:
        self.clone, self._path, self.cache = folder / "clone", folder / "bin", folder / "cache"
        for made in (self.clone / "scripts", self._path, self.cache):
            made.mkdir(parents=True)
        for name in FILES:
            shutil.copy(ROOT / name, self.clone / name)
        self.disks(free=50, cache=50)
        for minor in range(11, 15):
            self.python(f"python3.{minor}", "")

    def python(self, name: str, version: str, *, venv: bool = True) -> None:
        """Without a version it does not run, as a shim for one that is not installed."""
        asked_for_venv = f"case $2 in *ensurepip*) exit {int(not venv)};; esac"
        self._program(name, f'[ -n "{version}" ] || exit 127', asked_for_venv, f"echo {version}")

    def disks(self, *, free: int, cache: int | None = None) -> None:
        """Gigabytes free where the clone is, and where uv's cache is, if that is another disk."""
        clones = f"/dev/a 1 1 {free * GB} 1% /"
        caches = clones if cache is None else f"/dev/b 1 1 {cache * GB} 1% /cache"
        line = f'case $2 in *cache*) echo "{caches}";; *) echo "{clones}";; esac'
        self._program("df", "echo Filesystem", line)

    def _program(self, name: str, *lines: str) -> None:
        path = self._path / name
        path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        path.chmod(0o755)

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        environment: Mapping[str, str] = {
            "PATH": f"{self._path}:{os.environ['PATH']}", "UV_CACHE_DIR": str(self.cache / "uv")
        }  # fmt: skip
        return subprocess.run(
            command, cwd=self.clone, env=environment, capture_output=True, text=True, check=False
        )

    def check(self, python: str = "python3") -> tuple[int, list[str]]:
        answer = self.run("scripts/check-machine", python)
        assert answer.stdout == ""
        return answer.returncode, answer.stderr.splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.python("python3", "3.12")
    return made


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_nothing_is_missing(machine: Machine, version: str) -> None:
    machine.python("mine", version)
    assert machine.check("mine") == (0, [FETCHING])


@pytest.mark.parametrize("version", ["2.7", "3.9", "3.10", "3.15", "4.0"])
def test_a_python_that_the_lock_does_not_support(machine: Machine, version: str) -> None:
    machine.python("python3", version)
    install = "install one (Debian: apt install python3 python3-venv), and name it: make PYTHON=python3.13"
    assert machine.check() == (2, [f"make: python3 is {version}; {SUPPORTED}: {install}"])
    machine.python("python3.12", "3.12")
    machine.python("python3.13", "3.13")
    here = "name the one that is here: make PYTHON=python3.13"
    assert machine.check() == (2, [f"make: python3 is {version}; {SUPPORTED}: {here}"])
    assert machine.check("python3.13") == (0, [FETCHING])


def test_no_python(machine: Machine) -> None:
    machine.python("python3.12", "3.12")
    line = f"make: no python3.13 here; {SUPPORTED}: name the one that is here: make PYTHON=python3.12"
    assert machine.check("python3.13") == (2, [line])


def test_debians_python_without_its_venv(machine: Machine) -> None:
    machine.python("python3", "3.11", venv=False)
    assert machine.check() == (
        2, ["make: python3 has no venv: install it (Debian: apt install python3.11-venv)"]
    )  # fmt: skip


def test_full_disks(machine: Machine) -> None:
    machine.disks(free=7)
    line = f"make: {machine.clone} has 7 GB free, and make needs 8: free some, or clone to another disk"
    assert machine.check() == (2, [line])
    machine.disks(free=7, cache=6)
    other = (
        f"make: {machine.cache} has 6 GB free, and make needs 7: "
        "free some, or set UV_CACHE_DIR to a folder on another disk"
    )
    assert machine.check() == (2, [line, other])
    machine.disks(free=8)
    assert machine.check() == (0, [FETCHING])


def test_all_that_is_missing_is_said_at_once(machine: Machine) -> None:
    machine.python("python3", "3.9")
    machine.disks(free=1, cache=1)
    code, lines = machine.check()
    assert (code, len(lines)) == (2, 3)


def test_what_is_there_is_not_announced(machine: Machine) -> None:
    for name in (".tools/bin/uv", ".venv/bin/python", ".venv/ready"):
        path = machine.clone / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o755)
    machine.disks(free=0)
    assert machine.check() == (0, [])
    later = (machine.clone / ".venv/ready").stat().st_mtime + 10
    os.utime(machine.clone / "requirements-dev.lock", (later, later))
    assert machine.check() == (
        0, ["make: the lock has changed; fetching what is new in it, at most 3.5 GB"]
    )  # fmt: skip


def test_the_readme_says_the_same() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "fetches 3.5 GB" in readme
    assert "take 7 GB" in readme


@needs("make")
def test_make_asks_first(machine: Machine) -> None:
    """The stand-in would take any order to make an environment: none comes."""
    machine.disks(free=1)
    answer = machine.run(str(require("make")), "demo")
    assert answer.returncode == 2
    assert "GB free, and make needs 8" in answer.stderr
    assert {path.name for path in machine.clone.iterdir()} == {
        "Makefile",
        "pyproject.toml",
        "requirements-dev.lock",
        "requirements-tools.lock",
        "scripts",
    }
    machine.disks(free=8)
    answer = machine.run(str(require("make")), "demo")
    assert FETCHING in answer.stderr
    assert answer.stdout.splitlines()[0] == "python3 -m venv .tools"

"""Cores, memory and GPUs as the container has them: control groups of both versions, written down."""

import os
from pathlib import Path

import pytest

from common import machine


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree of control groups; 16 cores and 64 GiB without them."""
    monkeypatch.setattr(machine, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(machine, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 16 << 20}.__getitem__)
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_machine_without_limits(groups: Path) -> None:
    assert (machine.count_cores(), machine.memory_bytes()) == (16, 64 << 30)
    write(groups / "own", "0::/\n")
    write(groups / "groups/cpu.max", "max 100000\n")
    write(groups / "groups/memory.max", "max\n")
    assert (machine.count_cores(), machine.memory_bytes()) == (16, 64 << 30)


def test_the_tightest_group_around_counts(groups: Path) -> None:
    """Version 2, nested as systemd and kubelet do."""
    write(groups / "own", "0::/pods/burst/this\n")
    write(groups / "groups/pods/cpu.max", "350000 100000\n")
    write(groups / "groups/pods/burst/this/cpu.max", "max 100000\n")
    write(groups / "groups/pods/burst/this/memory.max", "8589934592\n")
    assert (machine.count_cores(), machine.memory_bytes()) == (3, 8 << 30)


def test_a_path_of_the_host_inside_a_container(groups: Path) -> None:
    """Version 1: the mount shows the container's own group at its root."""
    write(groups / "own", "5:cpu,cpuacct:/kubepods/x\n8:memory:/kubepods/x\n1:name=systemd:/kubepods/x\n")
    write(groups / "groups/cpu/cpu.cfs_quota_us", "50000\n")
    write(groups / "groups/cpu/cpu.cfs_period_us", "100000\n")
    write(groups / "groups/memory/memory.limit_in_bytes", "9223372036854771712\n")
    assert (machine.count_cores(), machine.memory_bytes()) == (1, 64 << 30)
    write(groups / "groups/cpu/cpu.cfs_quota_us", "-1\n")
    assert machine.count_cores() == 16


@pytest.mark.parametrize(
    ("variable", "found"),
    [(None, ["0", "1"]), ("", []), ("1", ["1"]), ("2, 3", ["2", "3"]), ("-1", []), ("0,-1,1", ["0"])],
)
def test_gpus_that_somebody_chose(
    monkeypatch: pytest.MonkeyPatch, variable: str | None, found: list[str]
) -> None:
    monkeypatch.delenv(machine.VISIBLE_GPUS, raising=False)
    if variable is not None:
        monkeypatch.setenv(machine.VISIBLE_GPUS, variable)
    assert machine.visible_gpus(["0", "1"]) == found

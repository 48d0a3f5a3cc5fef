"""Health as files: alive while work moves, ready while the models are there and nothing is wrong around."""

import os
import time
from pathlib import Path

import pytest

from common.settings import HealthSettings, Settings
from workers.health import ALIVE, READY, ChildHealth
from workers.process.health_watch import HealthWatch

PATIENCE = 60.0


@pytest.fixture
def child(tmp_path: Path) -> ChildHealth:
    """The signs of a child that has this process's number."""
    return ChildHealth(HealthSettings(folder=str(tmp_path)))


@pytest.fixture
def watch(tmp_path: Path) -> HealthWatch:
    return HealthWatch(tmp_path, PATIENCE, 1)


def age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def test_alive_while_idle(watch: HealthWatch, tmp_path: Path) -> None:
    watch.turned([])
    assert (tmp_path / ALIVE).exists()


def test_alive_while_a_batch_progresses(watch: HealthWatch, child: ChildHealth, tmp_path: Path) -> None:
    rows: list[int] = []
    child.counting(rows.append)(3)
    watch.turned([os.getpid()])
    assert rows == [3]
    assert (tmp_path / ALIVE).exists()


def test_not_alive_when_a_batch_stands_still(watch: HealthWatch, child: ChildHealth, tmp_path: Path) -> None:
    child.progressed()
    age(tmp_path / f"progress-{os.getpid()}", PATIENCE + 1)
    watch.turned([os.getpid()])
    assert not (tmp_path / ALIVE).exists()
    child.progressed()
    watch.turned([os.getpid()])
    assert (tmp_path / ALIVE).exists()


def test_one_batch_that_moves_does_not_hide_another(
    watch: HealthWatch, child: ChildHealth, tmp_path: Path
) -> None:
    child.progressed()
    (tmp_path / "progress-1").touch()
    age(tmp_path / "progress-1", PATIENCE + 1)
    watch.turned([os.getpid(), 1])
    assert not (tmp_path / ALIVE).exists()


def test_waiting_for_the_broker_is_alive_and_a_loop_that_hangs_is_not(
    watch: HealthWatch, tmp_path: Path
) -> None:
    watch.waited()
    assert (tmp_path / ALIVE).exists()
    (tmp_path / ALIVE).unlink()
    watch.consuming(True)
    watch.waited()
    assert not (tmp_path / ALIVE).exists()
    watch.consuming(False)
    watch.waited()
    assert (tmp_path / ALIVE).exists()


def test_ready_comes_and_goes_with_the_child(watch: HealthWatch, child: ChildHealth, tmp_path: Path) -> None:
    watch.turned([])
    assert not (tmp_path / READY).exists()
    child.ready()
    watch.turned([])
    assert (tmp_path / READY).exists()
    child.unready()
    watch.turned([])
    assert not (tmp_path / READY).exists()


def test_a_dead_childs_sign_says_nothing(watch: HealthWatch, tmp_path: Path) -> None:
    (tmp_path / "ready-4194305").touch()  # no process has a number beyond 4194304
    watch.turned([])
    assert not (tmp_path / READY).exists()


def test_every_child_must_be_ready(child: ChildHealth, tmp_path: Path) -> None:
    child.ready()
    HealthWatch(tmp_path, PATIENCE, 2).turned([])
    assert not (tmp_path / READY).exists()


def test_without_a_folder_nothing_is_written(outside: Path) -> None:
    child = ChildHealth(Settings().health)
    child.progressed()
    child.ready()
    child.unready()
    assert list(outside.iterdir()) == []

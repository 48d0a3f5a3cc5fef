"""The folder of metrics with children that died, and with workers that were killed."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from workers.process.metrics_folder import PREFIX, YOUNG, make_folder, merge_dead

CHILD = """
from prometheus_client import Counter, Gauge, Histogram
Counter("rows", "Rows.", ["status"]).labels("ok").inc(3)
Histogram("seconds", "Seconds.", buckets=(1, 2)).observe(1.5)
Gauge("running", "Running.", multiprocess_mode="livesum").set(1)
"""
HOLDER = """
import signal
from workers.process.metrics_folder import make_folder
print(make_folder(), flush=True)
signal.pause()
"""


def count_in_a_child(folder: Path) -> None:
    """A process that counts in the folder, and dies."""
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    subprocess.run([sys.executable, "-c", CHILD], env=environment, check=True)


def samples(folder: Path) -> dict[str, float]:
    collector: Collector = MultiProcessCollector(None, path=str(folder))  # type: ignore[no-untyped-call]
    return {sample.name: sample.value for metric in collector.collect() for sample in metric.samples}


def test_dead_children_take_the_room_of_one(tmp_path: Path) -> None:
    for number in range(1, 4):
        count_in_a_child(tmp_path)
        merge_dead(tmp_path)
        merge_dead(tmp_path)
        assert len(list(tmp_path.iterdir())) == 2
        seen = samples(tmp_path)
        assert (seen["rows_total"], seen["seconds_count"], seen["seconds_sum"]) == (
            3 * number,
            number,
            1.5 * number,
        )
        assert "running" not in seen


def test_a_living_childs_files_stay(tmp_path: Path) -> None:
    count_in_a_child(tmp_path)
    for file in list(tmp_path.iterdir()):
        file.rename(tmp_path / f"{file.stem.rpartition('_')[0]}_{os.getpid()}.db")
    before = sorted(tmp_path.iterdir())
    merge_dead(tmp_path)
    assert sorted(tmp_path.iterdir()) == before


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def age(folder: Path) -> None:
    os.utime(folder, (1, 1))


def test_folders_of_killed_workers_are_swept_and_those_of_living_ones_are_not(temporary: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    held = Path(holder.stdout.readline().strip())
    (held / "counter_1.db").touch()
    age(held)
    make_folder()
    assert held.exists()
    holder.kill()
    holder.communicate()
    make_folder()
    assert not held.exists()


def test_a_folder_that_its_worker_has_not_taken_hold_of_yet_stays(temporary: Path) -> None:
    new = temporary / f"{PREFIX}new"
    new.mkdir()
    make_folder()
    assert new.exists()
    os.utime(new, (new.stat().st_mtime - YOUNG - 1,) * 2)
    make_folder()
    assert not new.exists()


def test_links_and_files_of_that_name_are_left_alone(temporary: Path) -> None:
    precious = temporary / "precious"
    precious.mkdir()
    (temporary / f"{PREFIX}link").symlink_to(precious)
    (temporary / f"{PREFIX}file").write_text("kept")
    age(precious)
    make_folder()
    assert precious.exists()
    assert (temporary / f"{PREFIX}file").exists()

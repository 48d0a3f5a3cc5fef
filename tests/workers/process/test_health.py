"""Health as files: alive while work moves, ready while the models are there and nothing is wrong around."""

import os
import time
from pathlib import Path

import pytest

from common.queue.broker_view import BrokerView
from common.queue.message import QUEUE
from common.settings import HealthSettings, Settings
from tests.servers.ports import free_ports
from tests.servers.valkey import Valkey
from workers.health import ALIVE, READY, ChildHealth
from workers.process.health_watch import DEAF_AFTER, HealthWatch, Turn

PATIENCE = 60.0
BEAT = 0.01


@pytest.fixture
def child(tmp_path: Path) -> ChildHealth:
    """The signs of a child that has this process's number."""
    return ChildHealth(HealthSettings(folder=str(tmp_path), beat=BEAT))


@pytest.fixture
def watch(tmp_path: Path, broker: Valkey) -> HealthWatch:
    """A watch over a broker that answers."""
    return make_watch(tmp_path, broker.url)


def make_watch(folder: Path, url: str, processes: int = 1) -> HealthWatch:
    settings = HealthSettings(folder=str(folder), beat=BEAT, patience=PATIENCE)
    return HealthWatch(settings, processes, BrokerView(url))


def age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def test_alive_while_idle(watch: HealthWatch, tmp_path: Path) -> None:
    watch.turn(Turn())
    assert (tmp_path / ALIVE).exists()


def test_alive_while_a_batch_progresses(watch: HealthWatch, child: ChildHealth, tmp_path: Path) -> None:
    rows: list[int] = []
    child.wrap_advance(rows.append)(3)
    watch.turn(Turn((os.getpid(),)))
    assert rows == [3]
    assert (tmp_path / ALIVE).exists()


def test_not_alive_when_a_batch_stands_still(watch: HealthWatch, child: ChildHealth, tmp_path: Path) -> None:
    child.mark_progress()
    age(tmp_path / f"progress-{os.getpid()}", PATIENCE + 1)
    watch.turn(Turn((os.getpid(),)))
    assert not (tmp_path / ALIVE).exists()
    child.mark_progress()
    watch.turn(Turn((os.getpid(),)))
    assert (tmp_path / ALIVE).exists()


def test_loading_is_progress_however_long(watch: HealthWatch, child: ChildHealth, tmp_path: Path) -> None:
    sign = tmp_path / f"progress-{os.getpid()}"
    with child.loading():
        for _ in range(3):
            while not sign.exists():
                time.sleep(BEAT)
            sign.unlink()  # as if never given: the next beat gives it again
    child.mark_progress()
    age(sign, PATIENCE + 1)
    watch.turn(Turn((os.getpid(),)))
    assert not (tmp_path / ALIVE).exists(), "over"


def test_one_batch_that_moves_does_not_hide_another(
    watch: HealthWatch, child: ChildHealth, tmp_path: Path
) -> None:
    child.mark_progress()
    (tmp_path / "progress-1").touch()
    age(tmp_path / "progress-1", PATIENCE + 1)
    watch.turn(Turn((os.getpid(), 1)))
    assert not (tmp_path / ALIVE).exists()


def test_before_it_consumes_it_is_alive(watch: HealthWatch, tmp_path: Path) -> None:
    watch.watch_wait()
    assert (tmp_path / ALIVE).exists()


def test_a_loop_that_hangs_beside_a_broker_that_answers_is_not_alive(
    watch: HealthWatch, tmp_path: Path
) -> None:
    watch.start_consuming()
    time.sleep(10 * BEAT)
    watch.watch_wait()
    assert not (tmp_path / ALIVE).exists()
    watch.stop_consuming()
    watch.watch_wait()
    assert (tmp_path / ALIVE).exists()


def test_a_loop_that_waits_for_its_broker_is_alive_and_unready(tmp_path: Path, child: ChildHealth) -> None:
    watch = make_watch(tmp_path, f"redis://127.0.0.1:{free_ports(1)[0]}/0")
    child.mark_ready()
    watch.start_consuming()
    watch.turn(Turn())
    assert (tmp_path / READY).exists()
    (tmp_path / ALIVE).unlink()
    time.sleep(10 * BEAT)
    watch.watch_wait()
    assert (tmp_path / ALIVE).exists()
    assert not (tmp_path / READY).exists()


def test_deaf_beside_a_queue_that_is_not_empty_it_is_not_alive(
    watch: HealthWatch, broker: Valkey, tmp_path: Path
) -> None:
    deaf = Turn(idle=DEAF_AFTER + 1)
    watch.turn(deaf)
    assert (tmp_path / ALIVE).exists(), "nothing waits: there is nothing to hear"
    (tmp_path / ALIVE).unlink()
    broker.client().lpush(QUEUE, "a message")
    watch.turn(deaf)
    assert not (tmp_path / ALIVE).exists()
    watch.turn(Turn(idle=DEAF_AFTER - 1))
    assert (tmp_path / ALIVE).exists()


def test_ready_comes_and_goes_with_the_child(watch: HealthWatch, child: ChildHealth, tmp_path: Path) -> None:
    watch.turn(Turn())
    assert not (tmp_path / READY).exists()
    child.mark_ready()
    watch.turn(Turn())
    assert (tmp_path / READY).exists()
    child.mark_unready()
    watch.turn(Turn())
    assert not (tmp_path / READY).exists()


def test_a_dead_childs_sign_says_nothing(watch: HealthWatch, tmp_path: Path) -> None:
    (tmp_path / "ready-4194305").touch()  # no process has a number beyond 4194304
    watch.turn(Turn())
    assert not (tmp_path / READY).exists()


def test_every_child_must_be_ready(child: ChildHealth, broker: Valkey, tmp_path: Path) -> None:
    child.mark_ready()
    make_watch(tmp_path, broker.url, processes=2).turn(Turn())
    assert not (tmp_path / READY).exists()


def test_without_a_folder_nothing_is_written(outside: Path) -> None:
    child = ChildHealth(Settings().health)
    child.mark_progress()
    child.mark_ready()
    child.mark_unready()
    assert list(outside.iterdir()) == []

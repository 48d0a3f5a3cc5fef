"""The progress of a run, in a real broker."""

from collections import Counter

import pytest

from common.queue.live import BUCKET, LiveRun, Running
from tests.servers.valkey import Valkey

RUN = "s3://bucket/run"


@pytest.fixture
def live(broker: Valkey) -> LiveRun:
    return LiveRun(broker.client(), RUN)


def running(batch: str, done: int = 0) -> Running:
    return Running(batch, "worker@host", done, total=10, started=100.0)


def test_rows_add_up_over_commits(live: LiveRun) -> None:
    live.record_commit("a", {"ok": 9, "timeout": 1})
    live.record_commit("b", {"ok": 10})
    assert live.read_rows_by_status() == Counter(ok=19, timeout=1)


def test_a_running_batch_shows_its_last_beat_until_it_ends(live: LiveRun) -> None:
    live.beat(running("a", 3), rows=3, ttl=60)
    live.beat(running("a", 7), rows=4, ttl=60)
    live.beat(running("b", 1), rows=1, ttl=60)
    assert sorted(live.read_running(), key=lambda one: one.batch) == [running("a", 7), running("b", 1)]
    live.end("a")
    assert live.read_running() == [running("b", 1)]


def test_the_batch_of_a_silent_worker_is_not_running(live: LiveRun) -> None:
    live.beat(running("a"), rows=0, ttl=-1)
    assert live.read_running() == []


def test_the_rate_is_that_of_full_buckets(live: LiveRun, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000.0
    monkeypatch.setattr("common.queue.live.redis_time", lambda _: now)
    assert live.read_rows_per_second() == 0
    for _ in range(3):
        live.beat(running("a"), rows=5 * BUCKET, ttl=60)
        now += BUCKET
    live.beat(running("a"), rows=1000, ttl=60)  # of a bucket that is not full
    assert live.read_rows_per_second() == 5


def test_runs_know_nothing_of_one_another(broker: Valkey, live: LiveRun) -> None:
    live.record_commit("b", {"ok": 1})
    assert LiveRun(broker.client(), f"{RUN}-again").read_rows_by_status() == Counter()


def test_forgotten_batches_do_not_run_and_the_counts_stay(live: LiveRun) -> None:
    live.record_commit("b", {"ok": 1})
    live.beat(running("c"), rows=0, ttl=60)
    live.forget_running()
    assert live.read_running() == []
    assert live.read_rows_by_status() == Counter(ok=1)

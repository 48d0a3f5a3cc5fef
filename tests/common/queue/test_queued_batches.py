"""Marks of queued batches, in a real broker."""

import time

import pytest

from common.queue.live import LiveRun
from common.queue.queued_batches import QueuedBatches
from tests.servers.valkey import Valkey

RUN = "s3://bucket/run"


@pytest.fixture
def queued(broker: Valkey) -> QueuedBatches:
    return QueuedBatches(broker.client(), RUN)


def test_queued_batches_have_their_time_until_they_are_committed_or_dropped(
    broker: Valkey, queued: QueuedBatches
) -> None:
    before = time.time()
    queued.mark(["a", "b", "c"])
    assert queued.count() == 3
    assert all(before <= at <= time.time() for at in queued.read().values())
    LiveRun(broker.client(), RUN).record_commit("a", {"ok": 9, "timeout": 1})
    queued.drop("b")
    assert queued.read().keys() == {"c"}
    assert "a" not in queued.read()
    assert queued.read()["c"] >= before


def test_a_batch_that_returns_to_the_queue_is_the_youngest(queued: QueuedBatches) -> None:
    queued.mark(["a"])
    first = queued.read()["a"]
    queued.mark(["a"])
    assert queued.count() == 1
    assert queued.read()["a"] > first


def test_runs_know_nothing_of_one_another(broker: Valkey, queued: QueuedBatches) -> None:
    queued.mark(["a"])
    assert QueuedBatches(broker.client(), f"{RUN}-again").read() == {}


def test_forgotten_marks_are_gone(queued: QueuedBatches) -> None:
    queued.mark(["a"])
    queued.forget()
    assert queued.count() == 0

"""Workers as the broker knows them."""

import pytest

from common.queue.workers import FAILING_AFTER, Workers
from tests.servers.valkey import Valkey


@pytest.fixture
def workers(broker: Valkey) -> Workers:
    return Workers(broker.client())


def test_a_heartbeat_is_good_for_its_time(broker: Valkey, workers: Workers) -> None:
    workers.beat("one", 30)
    assert workers.is_alive("one")
    assert not workers.is_alive("two")
    assert 0 < broker.client().ttl("fleet:worker:one") <= 30


def test_workers_are_counted_by_their_last_heartbeat(broker: Valkey, workers: Workers) -> None:
    workers.beat("one", 30)
    workers.beat("two", 30)
    workers.beat("two", 30)
    assert workers.count_seen(60) == 2
    broker.client().zadd("fleet:workers", {"one": 1.0})
    assert workers.count_seen(60) == 1


def test_those_that_finished_a_batch_are_proven(workers: Workers) -> None:
    assert not workers.has_finisher()
    workers.record_finish("one")
    assert workers.has_finisher()
    assert workers.count_finishers({"one", "two"}) == 1
    assert workers.count_finishers(set()) == 0


def test_different_batches_in_a_row_show_a_failing_worker(workers: Workers) -> None:
    failures = [workers.record_failure("one", f"batch {number}") for number in range(FAILING_AFTER)]
    assert failures == [False] * (FAILING_AFTER - 1) + [True]


def test_one_batch_again_and_again_does_not(workers: Workers) -> None:
    assert not any(workers.record_failure("one", "batch") for _ in range(2 * FAILING_AFTER))


def test_a_finished_batch_clears_the_worker(workers: Workers) -> None:
    for number in range(FAILING_AFTER):
        workers.record_failure("one", f"batch {number}")
    workers.record_finish("one")
    assert not workers.record_failure("one", "another batch")

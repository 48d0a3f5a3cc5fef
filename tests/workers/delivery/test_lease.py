"""The lease: renewed while a batch runs, given back when it ends."""

import time
from collections.abc import Callable

import pytest
import redis
from redis.lock import Lock

from common.queue.kombu_queue import UNACKED_INDEX
from common.queue.live import LiveRun, Running
from common.settings import LeaseSettings
from tests.servers.valkey import Valkey
from workers.delivery import lease as leases
from workers.delivery.lease import Lease, claim_on

RUN, BATCH, TAG = "/data/run", "part/0", "tag"
SETTINGS = LeaseSettings(visibility_timeout=1, beat=0.05)


def until(is_true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def client(broker: Valkey) -> redis.Redis:
    client = broker.client()
    client.zadd(UNACKED_INDEX, {TAG: 1.0})
    return client


@pytest.fixture
def claim(client: redis.Redis) -> Lock:
    claim = claim_on(client, RUN, BATCH)
    assert claim.acquire(blocking=False)
    return claim


@pytest.fixture
def lease(client: redis.Redis, claim: Lock) -> Lease:
    running = Running(BATCH, "worker@host", 0, total=10, started=time.time())
    return Lease(client, LiveRun(client, RUN), claim, delivery_tag=TAG, settings=SETTINGS, running=running)


def test_message_and_progress_are_shown_while_it_is_held(client: redis.Redis, lease: Lease) -> None:
    live = LiveRun(client, RUN)
    with lease.hold() as progress:
        until(lambda: (client.zscore(UNACKED_INDEX, TAG) or 0) > 1.0)
        progress.advance(4)
        until(lambda: [one.done for one in live.read_running()] == [4])
    assert live.read_running() == []


def test_nobody_else_gets_the_claim_before_it_ends(client: redis.Redis, lease: Lease) -> None:
    other = claim_on(client, RUN, BATCH)
    with lease.hold():
        assert not other.acquire(blocking=False)
    assert other.acquire(blocking=False)


def test_a_failing_block_gives_it_back_too(client: redis.Redis, lease: Lease) -> None:
    with pytest.raises(RuntimeError), lease.hold():
        raise RuntimeError
    assert claim_on(client, RUN, BATCH).acquire(blocking=False)


def test_a_claim_lost_with_the_brokers_memory_is_taken_again(
    client: redis.Redis, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "CLAIM_RENEWAL", 0.05)
    with lease.hold():
        client.flushall()
        until(lambda: claim_on(client, RUN, BATCH).locked())


def test_a_message_that_went_to_another_worker_is_not_taken_back(client: redis.Redis, lease: Lease) -> None:
    client.zrem(UNACKED_INDEX, TAG)
    live = LiveRun(client, RUN)
    with lease.hold():
        until(lambda: bool(live.read_running()))
        assert client.zscore(UNACKED_INDEX, TAG) is None


def test_claims_of_other_runs_and_batches_are_free(client: redis.Redis, claim: Lock) -> None:
    assert claim.locked()
    assert claim_on(client, RUN, "part/10").acquire(blocking=False)
    assert claim_on(client, f"{RUN}-again", BATCH).acquire(blocking=False)

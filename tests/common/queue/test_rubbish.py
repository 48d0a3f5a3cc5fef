"""Rubbish under the fleet's keys ends no command: hints are skipped, and a wrong type is one line."""

import pytest
import redis
from redis.typing import EncodableT, FieldT

from common.queue.attempts import AttemptBook, Attempts
from common.queue.broker import broker_errors, connect
from common.queue.broker_url import BrokerError
from common.queue.hosts import FULL, PREFIX, read_full_hosts
from common.queue.kombu_queue import UNACKED, first_waiting, held_messages, return_held
from common.queue.live import LiveRun, Running
from common.queue.message import QUEUE
from common.queue.queued_batches import QueuedBatches
from common.queue.redis_clock import redis_time
from common.queue.run_keys import run_prefix
from tests.servers.valkey import Valkey

RUN = "/run"
BATCH = "part-0123456789/000000000000"
RUBBISH = ["", "rubbish", "-1", "1.5", "1e999", "9" * 30, "9" * 5000, "\N{SUPERSCRIPT TWO}", "nan", "\x1b[2J"]
DEEP = "[" * 100_000


@pytest.fixture
def client(broker: Valkey) -> redis.Redis:
    return connect(broker.url)


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_numbers_that_are_none_are_skipped(client: redis.Redis, rubbish: str) -> None:
    live, prefix = LiveRun(client, RUN), run_prefix(RUN)
    ours = Running(BATCH, "w1@host", 1, 3, 5.0)
    live.beat(ours, rows=1, ttl=60)
    live.record_commit("other", {"ok": 7})
    client.zadd(f"{prefix}:running", {"strange": 9e15})
    client.hset(
        f"{prefix}:running:strange", mapping={"worker": "w", "done": rubbish, "total": 1, "started": 1}
    )
    client.hset(f"{prefix}:rows", "strange", rubbish)
    client.hset(f"{prefix}:attempts:crashed", BATCH, rubbish)
    client.zadd(FULL, {"host": 9e15})
    client.set(f"{PREFIX}:rate:host", rubbish, px=30_000)
    now = int(redis_time(client))
    for step in range(now // 10 - 7, now // 10):
        client.set(f"{prefix}:rate:{step}", rubbish)
    assert live.read_running() == [ours]
    assert +live.read_rows_by_status() == {"ok": 7}
    assert live.read_rows_per_second() == 0
    assert AttemptBook(client, RUN).read(BATCH) == Attempts(0, 0)
    assert read_full_hosts(client)[0].per_second is None


@pytest.mark.parametrize("fields", [{"x": "y"}, {"worker": "w", "done": "1", "total": "1", "started": "inf"}])
def test_a_running_batch_of_strangers_is_skipped(
    client: redis.Redis, fields: dict[FieldT, EncodableT]
) -> None:
    client.zadd(f"{run_prefix(RUN)}:running", {BATCH: 9e15})
    client.hset(f"{run_prefix(RUN)}:running:{BATCH}", mapping=fields)
    assert LiveRun(client, RUN).read_running() == []


def test_deep_entries_are_no_messages(client: redis.Redis) -> None:
    client.rpush(QUEUE, DEEP)
    client.hset(UNACKED, "tag", DEEP)
    client.hset(UNACKED, "other", '[{"properties": {"delivery_tag": true}}]')
    return_held(client, ["tag", "other"])
    assert first_waiting(client, 1) == [None]
    assert held_messages(client) == []


def test_departures_of_strangers_are_no_batches(client: redis.Redis) -> None:
    client.xadd(f"{run_prefix(RUN)}:left", {"x": "y"})
    assert QueuedBatches(client, RUN).read_changes("0-0", 0.0).count == 0


def test_a_key_of_the_wrong_type_is_named_as_such(client: redis.Redis) -> None:
    client.set(f"{run_prefix(RUN)}:queued", "rubbish")
    with pytest.raises(BrokerError, match="delete it"), broker_errors("redis://127.0.0.1/0"):
        QueuedBatches(client, RUN).read()

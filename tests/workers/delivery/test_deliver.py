"""The end of a message, as metrics and broker show it: acknowledged, returned to the queue, or set aside."""

import json
from types import SimpleNamespace
from typing import cast
from unittest import mock

import pytest
import redis
from celery import Task
from celery.exceptions import Reject
from prometheus_client import REGISTRY

from common.queue.set_aside import SET_ASIDE
from tests.workers.delivery.conftest import Delivery
from workers.delivery.attempt import Attempt
from workers.delivery.deliver import deliver
from workers.delivery.errors import RejectToFront
from workers.delivery.lease import claim_on

REQUEST = SimpleNamespace(hostname="here", properties={"delivery_tag": "tag"})


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_done_batch_counts_its_rows(delivery: Delivery) -> None:
    before = sample("fleet_attempts_total", end="committed"), sample("fleet_rows_total", status="invalid_url")
    delivery.deliver(0)
    after = sample("fleet_attempts_total", end="committed"), sample("fleet_rows_total", status="invalid_url")
    assert (after[0] - before[0], after[1] - before[1]) == (1, 2)
    assert sample("fleet_running_batches") == 0


def test_a_returned_batch_counts_by_its_error_and_is_the_youngest(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.delivery.attempt.CLAIM_SECONDS", -0.9)
    batch = delivery.batches[0]
    claim_on(delivery.client, delivery.store.uri, batch).acquire()
    queued_at = delivery.queued.read()[batch]
    before = sample("fleet_batches_put_back_total", error="ClaimedError")
    with pytest.raises(Reject):
        delivery.deliver(0)
    assert sample("fleet_batches_put_back_total", error="ClaimedError") == before + 1
    assert delivery.queued.read()[batch] > queued_at


def test_a_batch_that_met_a_broker_which_was_away_keeps_its_place(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = delivery.queued.read()
    monkeypatch.setattr(Attempt, "make", mock.Mock(side_effect=redis.ConnectionError("refused")))
    with pytest.raises(RejectToFront):
        delivery.deliver(0)
    monkeypatch.setattr(Attempt, "make", mock.Mock(side_effect=redis.ResponseError("WRONGTYPE")))
    with pytest.raises(Reject) as to_end:  # this batch alone: others come first
        delivery.deliver(1)
    assert not isinstance(to_end.value, RejectToFront)
    after = delivery.queued.read()
    assert [batch for batch in after if after[batch] != before[batch]] == [delivery.batches[1]]


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"part": "../../etc/passwd"},
        {"first_row": -1},
        {"first_row": 1},
        {"part": "part-of-another-run"},
        {"run": "/etc"},
        {"extra": 1},
    ],
)
def test_a_message_without_a_planned_batch_is_set_aside(
    delivery: Delivery, changes: dict[str, object]
) -> None:
    fields = {**delivery.message(0), **changes}
    before = sample("fleet_messages_set_aside_total")
    deliver(cast("Task", SimpleNamespace(request=REQUEST)), fields, delivery.settings)
    (kept,) = delivery.client.lrange(SET_ASIDE, 0, -1)
    assert json.loads(str(kept)) == fields
    assert sample("fleet_messages_set_aside_total") == before + 1

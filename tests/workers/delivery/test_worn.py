"""Put-backs are counted for each message: none goes round for ever, and no outage is counted for long."""

import pytest
from celery.exceptions import Reject

from common.queue.returns import LONE, Returns
from common.queue.run_keys import run_prefix
from common.queue.set_aside import SET_ASIDE
from common.settings import FilterSettings, LeaseSettings
from tests.workers.delivery.conftest import Delivery
from workers.delivery.backoff import Backoff

MISSING = FilterSettings(deny_file="/there/is/none")


@pytest.fixture(autouse=True)
def _unproven(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = Backoff()
    for module in ("deliver", "observer"):
        monkeypatch.setattr(f"workers.delivery.{module}.backoff", fresh)


def deliver_again(delivery: Delivery, *, max_returned: int, **settings: object) -> bool:
    """Whether the first batch goes back to the queue once more."""
    try:
        delivery.deliver(0, lease=LeaseSettings(max_returned=max_returned), **settings)
    except Reject:
        return True
    return False


def fail(delivery: Delivery, most: int) -> bool:
    """The same for a worker that cannot read its list."""
    return deliver_again(delivery, max_returned=most, filter=MISSING)


def test_a_message_that_fails_between_good_ones_is_set_aside(delivery: Delivery) -> None:
    returned = []
    for number in (1, 2, 3):
        delivery.deliver(number)
        returned.append(fail(delivery, most=3))
    assert returned == [True, True, False]
    assert delivery.client.llen(SET_ASIDE) == 1
    delivery.deliver(0)
    assert delivery.store.exists(f"shards/{delivery.batches[0]}.parquet")


def test_an_outage_counts_once(delivery: Delivery) -> None:
    delivery.deliver(1)
    assert all(fail(delivery, most=3) for _ in range(20))
    assert delivery.client.llen(SET_ASIDE) == 0


def test_no_message_goes_round_for_ever(delivery: Delivery) -> None:
    returned = [fail(delivery, most=1) for _ in range(LONE)]
    assert returned == [True] * (LONE - 1) + [False]


def test_a_counter_that_is_no_number_counts_nothing(delivery: Delivery) -> None:
    key = f"{run_prefix(delivery.store.uri)}:attempts:crashed"
    delivery.client.hset(key, delivery.batches[0], "many")
    assert not deliver_again(delivery, max_returned=1)
    assert delivery.store.exists(f"shards/{delivery.batches[0]}.parquet")


def test_counters_that_strangers_falsify_hold_no_message_for_ever(delivery: Delivery) -> None:
    delivery.client.set(f"{run_prefix(delivery.store.uri)}:attempts:crashed", "many")
    assert [deliver_again(delivery, max_returned=1) for _ in range(LONE)] == [True] * (LONE - 1) + [False]


def test_each_message_has_its_own_count(delivery: Delivery) -> None:
    counts = [Returns(delivery.client, tag).count(by_proven=True) for tag in ("a", "b", "a")]
    assert counts == [1, 1, 2]


def test_counts_are_forgotten(delivery: Delivery) -> None:
    Returns(delivery.client, "a").count(by_proven=False)
    (key,) = delivery.client.keys("fleet:returned:*")
    assert 0 < delivery.client.ttl(key) <= 7 * 24 * 3600

"""One attempt at a batch, against a real broker: what it leaves in the output and in the books."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from celery.exceptions import Reject

from common.queue.attempts import Attempts
from common.queue.last_return import Return
from common.run.failure_record import read_failure
from tests.workers.delivery.conftest import BATCHES, ROWS, Delivery
from workers.delivery import attempt
from workers.delivery.errors import DeadBatchError
from workers.delivery.lease import claim_on
from workers.delivery.worker_id import worker_id

NONE = Attempts(0, 0)


def fail_with(error: Exception) -> Callable[..., object]:
    def fail(*_: object, **__: object) -> object:
        raise error

    return fail


def test_a_batch_is_written_and_counted(delivery: Delivery) -> None:
    delivery.deliver(0)
    assert delivery.store.exists(f"shards/{delivery.batches[0]}.parquet")
    assert delivery.live.read_rows_by_status() == {"invalid_url": ROWS}
    assert delivery.batches[0] not in delivery.queued.read()
    assert delivery.book.read(delivery.batches[0]) == NONE
    assert delivery.workers.has_finisher()


def test_a_settled_batch_is_not_run_again(delivery: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery.deliver(0)
    monkeypatch.setattr(attempt, "caption_batch", fail_with(AssertionError("run again")))
    delivery.deliver(0)
    assert delivery.live.read_rows_by_status() == {"invalid_url": ROWS}


def test_a_claimed_batch_goes_back_uncounted(delivery: Delivery) -> None:
    claim = claim_on(delivery.client, delivery.store.uri, delivery.batches[0])
    assert claim.acquire(blocking=False)
    delivery.client.persist(claim.name)  # as a living holder keeps it
    with pytest.raises(Reject, match="another worker is at it"):
        delivery.deliver(0)
    assert delivery.book.read(delivery.batches[0]) == NONE


def test_a_part_that_changed_is_dead_at_once(delivery: Delivery) -> None:
    pq.write_table(pa.table({"URL": ["http://other.example/"] * 99}), delivery.part)
    with pytest.raises(DeadBatchError, match="given up"):
        delivery.deliver(0)
    record = read_failure(delivery.store, delivery.batches[0])
    assert record is not None
    assert (record.reason, record.crashed) == ("part", 0)
    assert "changed" in record.error


def test_a_part_that_cannot_be_read_is_not_to_blame(delivery: Delivery) -> None:
    away = delivery.part.rename(delivery.part.with_name("elsewhere"))
    with pytest.raises(Reject):
        delivery.deliver(0)
    assert delivery.book.read(delivery.batches[0]) == NONE
    away.rename(delivery.part)
    delivery.deliver(0)
    assert delivery.store.exists(f"shards/{delivery.batches[0]}.parquet")


def test_what_fails_before_the_rows_are_read_counts_nothing(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "load_models", fail_with(KeyError("weights")))
    for _ in range(10):
        with pytest.raises(Reject, match="KeyError: 'weights'; look at its settings"):
            delivery.deliver(0)
    assert delivery.book.read(delivery.batches[0]) == NONE
    returned = Return.read(delivery.client, delivery.store.uri)
    assert returned is not None
    assert (returned.culprit, returned.is_lasting) == ("the worker", True)


def test_a_deny_list_that_is_gone_counts_nothing(delivery: Delivery, tmp_path: Path) -> None:
    filters = delivery.settings.filter.model_copy(update={"deny_file": str(tmp_path / "gone.txt")})
    with pytest.raises(Reject, match=r"gone\.txt"):
        delivery.deliver(0, filter=filters)
    assert delivery.book.read(delivery.batches[0]) == NONE


def test_an_error_in_the_batch_counts_and_ends_at_the_limit(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery.deliver(1)
    monkeypatch.setattr(attempt, "caption_batch", fail_with(RuntimeError("poison")))
    for number in range(1, 4):
        with pytest.raises(Reject, match="RuntimeError: poison"):
            delivery.deliver(0)
        assert delivery.book.read(delivery.batches[0]) == Attempts(number, 0)
    with pytest.raises(DeadBatchError):
        delivery.deliver(0)
    record = read_failure(delivery.store, delivery.batches[0])
    assert record is not None
    assert (record.reason, record.crashed) == ("error", 4)
    assert "Traceback" in record.error
    assert delivery.book.read(delivery.batches[0]) == NONE


def test_where_nobody_has_finished_anything_it_ends_at_twice_the_limit(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "caption_batch", fail_with(RuntimeError("poison")))
    for _ in range(7):
        with pytest.raises(Reject):
            delivery.deliver(0)
    with pytest.raises(DeadBatchError):
        delivery.deliver(0)


def test_a_worker_that_fails_at_everything_counts_against_no_batch(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "caption_batch", fail_with(RuntimeError("sick")))
    for number in range(BATCHES):
        with pytest.raises(Reject):
            delivery.deliver(number)
    counted = [delivery.book.read(batch).crashed for batch in delivery.batches]
    assert counted == [1, 1, 0, 0, 0]
    monkeypatch.undo()


def test_two_workers_have_to_testify_where_there_are_two(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery.deliver(1)
    first = worker_id()
    with monkeypatch.context() as patch:
        patch.setattr(attempt, "caption_batch", fail_with(RuntimeError("poison")))
        for _ in range(3):
            with pytest.raises(Reject):
                delivery.deliver(0)
    second = delivery.be_another_worker()
    delivery.deliver(2)
    assert first != second
    monkeypatch.setattr(attempt, "caption_batch", fail_with(RuntimeError("poison")))
    with pytest.raises(DeadBatchError):
        delivery.deliver(0)
    assert delivery.book.workers_failed_on(delivery.batches[0]) == set(), "forgotten with the batch"


def test_a_batch_at_its_limit_is_left_to_another_worker(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery.deliver(1)
    delivery.workers.beat("another", 60)
    monkeypatch.setattr(attempt, "caption_batch", fail_with(RuntimeError("poison")))
    for _ in range(4):
        with pytest.raises(Reject, match="poison"):
            delivery.deliver(0)
    with pytest.raises(Reject, match="another worker has to try it"):
        delivery.deliver(0)
    assert delivery.book.read(delivery.batches[0]) == Attempts(4, 0)


def test_an_error_inside_a_task_group_keeps_its_kind(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    from common.errors import StoreError  # noqa: PLC0415

    group = ExceptionGroup("unhandled", [RuntimeError("beside"), StoreError("s3://b: away")])
    monkeypatch.setattr(attempt, "caption_batch", fail_with(group))
    with pytest.raises(Reject, match="s3://b: away"):
        delivery.deliver(0)
    assert delivery.book.read(delivery.batches[0]) == NONE


def test_a_message_of_another_run_is_set_aside(delivery: Delivery) -> None:
    delivery.deliver(0, output="/somewhere/else")
    (kept,) = delivery.client.lrange("caption.v1.set-aside", 0, -1)
    assert json.loads(str(kept)) == delivery.message(0)

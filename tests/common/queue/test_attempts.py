"""Attempts at a batch, in a real broker."""

import pytest

from common.queue.attempts import ERROR_LENGTH, AttemptBook, Attempts
from common.queue.workers import FAILING_AFTER, Workers
from tests.servers.valkey import Valkey

RUN = "/data/run"


@pytest.fixture
def workers(broker: Valkey) -> Workers:
    """One worker lives."""
    workers = Workers(broker.client())
    workers.beat("living", 60)
    return workers


@pytest.fixture
def book(broker: Valkey, workers: Workers) -> AttemptBook:
    del workers
    return AttemptBook(broker.client(), RUN)


def test_the_first_attempt_counts_nothing(book: AttemptBook) -> None:
    assert book.begin("b", "living") == Attempts(0, 0)


def test_an_open_attempt_of_a_living_worker_is_a_crash(book: AttemptBook) -> None:
    book.begin("b", "living")
    assert book.begin("b", "other") == Attempts(crashed=1, vanished=0)
    assert book.workers_failed_on("b") == {"living"}


def test_an_open_attempt_of_a_silent_worker_vanished(book: AttemptBook) -> None:
    book.begin("b", "gone")
    assert book.begin("b", "living") == Attempts(crashed=0, vanished=1)
    assert book.workers_failed_on("b") == {"gone"}


def test_an_orderly_end_counts_nothing(book: AttemptBook) -> None:
    book.begin("b", "living")
    book.end("b")
    assert book.begin("b", "living") == Attempts(0, 0)
    assert book.workers_failed_on("b") == set()


def test_an_unexpected_error_counts_and_its_end_is_kept(book: AttemptBook) -> None:
    book.begin("b", "living")
    assert book.fail("b", "living", "x" * ERROR_LENGTH + "ValueError: boom")
    assert book.read("b") == Attempts(crashed=1, vanished=0)
    assert len(book.last_error("b") or "") == ERROR_LENGTH
    assert (book.last_error("b") or "").endswith("ValueError: boom")
    assert book.begin("b", "living") == Attempts(crashed=1, vanished=0)  # the attempt was closed


def test_a_worker_that_fails_at_every_batch_counts_against_none_of_its_last(book: AttemptBook) -> None:
    counted = [book.fail(f"b{number}", "living", "trace") for number in range(FAILING_AFTER)]
    assert counted == [True] * (FAILING_AFTER - 1) + [False]
    assert book.read(f"b{FAILING_AFTER - 1}") == Attempts(0, 0)


def test_reset_forgets_one_batch(book: AttemptBook) -> None:
    for batch in ("b", "c"):
        book.fail(batch, "living", "trace")
    book.reset("b")
    assert (book.read("b"), book.last_error("b"), book.workers_failed_on("b")) == (
        Attempts(0, 0),
        None,
        set(),
    )
    assert book.read("c").crashed == 1


def test_runs_know_nothing_of_one_another(broker: Valkey, book: AttemptBook) -> None:
    book.begin("b", "living")
    assert AttemptBook(broker.client(), f"{RUN}-again").begin("b", "living") == Attempts(0, 0)

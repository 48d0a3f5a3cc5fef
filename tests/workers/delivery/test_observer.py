"""The labels of returned batches: boards and alerts know them, whatever the classes are called."""

from collections.abc import Iterator

import pytest
import redis
from prometheus_client import REGISTRY

from common.errors import FleetError, RefusedError, StoreError
from common.queue.broker_url import BrokerError
from common.run.part import AbsentPartError, ChangedPartError, DamagedPartError, PartError
from common.settings import Settings
from workers.batch import FilterError, ForeignMessageError, NetworkError, WrongSettingsError
from workers.captions import ModelFolderError
from workers.delivery.backoff import backoff
from workers.delivery.blame import blame
from workers.delivery.errors import (
    ClaimedError,
    FailingWorkerError,
    PreparationError,
    TriedHereError,
    UnexpectedError,
)
from workers.delivery.observer import Observer
from workers.models.lock import ModelLockError
from workers.models.resolve import ModelNameError

LABELS: dict[type[Exception], str] = {
    ClaimedError: "ClaimedError",
    TriedHereError: "TriedHereError",
    PreparationError: "PreparationError",
    UnexpectedError: "UnexpectedError",
    FailingWorkerError: "FailingWorkerError",
    StoreError: "StoreError",
    RefusedError: "RefusedError",
    BrokerError: "BrokerError",
    PartError: "PartError",
    AbsentPartError: "AbsentPartError",
    ChangedPartError: "ChangedPartError",
    DamagedPartError: "DamagedPartError",
    FilterError: "FilterError",
    ForeignMessageError: "ForeignMessageError",
    NetworkError: "NetworkError",
    WrongSettingsError: "WrongSettingsError",
    ModelLockError: "ModelLockError",
    ModelNameError: "ModelNameError",
    redis.ConnectionError: "ConnectionError",
}


@pytest.fixture(autouse=True)
def _no_backoff_is_left() -> Iterator[None]:
    yield
    backoff.reset()


def count(label: str) -> float:
    return REGISTRY.get_sample_value("fleet_batches_put_back_total", {"error": label}) or 0.0


@pytest.mark.parametrize("kind", LABELS, ids=LABELS.values())
def test_a_returned_batch_counts_under_the_label_of_its_error(kind: type[Exception]) -> None:
    before = count(LABELS[kind])
    Observer(Settings()).record_return(kind("why"), blame(kind("why")))
    assert count(LABELS[kind]) == before + 1


def test_a_class_that_is_renamed_keeps_its_series() -> None:
    renamed = type("AnotherNameError", (ClaimedError,), {})
    before = count("ClaimedError")
    Observer(Settings()).record_return(renamed("why"), blame(renamed("why")))
    assert count("ClaimedError") == before + 1


def subclasses(kind: type[FleetError]) -> Iterator[type[FleetError]]:
    for one in kind.__subclasses__():
        yield one
        yield from subclasses(one)


def test_every_error_of_ours_spells_its_label_out() -> None:
    ours = [one for one in subclasses(FleetError) if one.__module__.startswith(("common.", "workers."))]
    assert ModelFolderError in ours
    assert [one.__qualname__ for one in ours if "label" not in vars(one)] == []
    assert len({one.label for one in ours}) == len(ours)

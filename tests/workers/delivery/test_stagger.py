"""Two processes of one card never begin long batches in step."""

import pytest

from common.settings import Settings
from tests.servers.valkey import Valkey
from workers.delivery.stagger import Stagger
from workers.delivery.worker_id import new_worker_id
from workers.device.share import set_process_index, set_processes_on_card


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    monkeypatch.setenv("CAPTION_PROCESS_INDEX", "0")
    monkeypatch.setenv("CAPTION_PROCESSES_ON_CARD", "2")
    now, naps = [0.0], []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        now[0] += seconds

    monkeypatch.setattr("workers.delivery.stagger.time.sleep", sleep)
    monkeypatch.setattr("workers.delivery.stagger.time.monotonic", lambda: now[0])
    new_worker_id()
    return naps


@pytest.fixture
def settings(broker: Valkey) -> Settings:
    return Settings.model_validate({"broker_url": broker.url, "fetch": {"timeout": 10}})


def test_the_second_waits_and_the_neighbour_on_another_card_does_not(
    slept: list[float], settings: Settings
) -> None:
    Stagger().wait(settings)
    assert slept == []
    set_process_index(1)
    Stagger().wait(settings)
    assert 14.8 <= sum(slept) <= 15.4  # the key outlives this clock
    slept.clear()
    set_process_index(2)
    Stagger().wait(settings)
    assert slept == []


def test_one_alone_on_its_card_never_waits(slept: list[float], settings: Settings) -> None:
    set_processes_on_card(1)
    for _ in range(2):
        Stagger().wait(settings)
    assert slept == []


def test_short_batches_are_not_kept_apart(slept: list[float], settings: Settings) -> None:
    first, second = Stagger(), Stagger()
    first.wait(settings)
    second.record(30.0)
    second.wait(settings)
    assert slept == []
    second.record(60.0)
    second.wait(settings)
    assert slept

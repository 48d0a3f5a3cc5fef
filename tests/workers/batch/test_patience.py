"""Patience passes only while the models wait for the web."""

import asyncio

import pytest

from workers.batch.byte_gate import ByteGate
from workers.batch.patience import Patience


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be set."""
    now = [0.0]
    monkeypatch.setattr("workers.batch.patience.time.monotonic", lambda: now[0])
    return now


def test_it_passes_while_the_models_wait(clock: list[float]) -> None:
    patience = Patience(10)
    clock[0] = 3
    assert patience.seconds_left == 10
    with patience.count_waiting():
        clock[0] = 5
        assert patience.seconds_left == 8
    clock[0] = 9
    assert patience.seconds_left == 8


def test_it_stands_still_while_a_body_is_decoded(clock: list[float]) -> None:
    patience = Patience(10)
    with patience.count_waiting():
        with patience.count_decoding(), patience.count_decoding():
            clock[0] = 100
        assert patience.seconds_left == 10
        clock[0] = 104
        with patience.count_decoding():
            clock[0] = 200
        clock[0] = 207
    assert patience.seconds_left == -1


def test_the_gate_closes_at_its_limit_and_opens_below() -> None:
    async def main() -> None:
        gate = ByteGate(10)
        await gate.wait_for_room()
        with gate.hold(4), gate.hold(6):
            waiting = asyncio.create_task(gate.wait_for_room())
            await asyncio.sleep(0)
            assert not waiting.done()
        await asyncio.wait_for(waiting, 1)

    asyncio.run(main())

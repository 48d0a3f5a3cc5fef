"""How long the device works on each stage of a pass, by its own clock; and what is left to the aim."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from tests.benchmarks import watching
from tests.gpu.timing import wait


@dataclass
class _Call:
    stage: str
    parent: "_Call | None"
    began: Any
    ended: Any = None


class StageClock:
    """Time between marks that the device passes; within a call of another stage that one's own counts."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._calls: list[_Call] = []
        self._open: list[_Call] = []

    @contextmanager
    def call(self, stage: str) -> Iterator[None]:
        own = _Call(stage, self._open[-1] if self._open else None, self._mark())
        self._open.append(own)
        try:
            yield
        finally:
            self._open.pop()
            own.ended = self._mark()
            self._calls.append(own)

    def milliseconds(self) -> dict[str, float]:
        """By stage, most first; waits for the device."""
        wait(self._device)
        spent: dict[str, float] = {}
        for each in self._calls:
            took = self._between(each.began, each.ended)
            spent[each.stage] = spent.get(each.stage, 0) + took
            if each.parent is not None:
                spent[each.parent.stage] = spent.get(each.parent.stage, 0) - took
        return dict(sorted(spent.items(), key=lambda item: -item[1]))

    def _mark(self) -> Any:
        if self._device.type != "cuda":
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        return event

    def _between(self, began: Any, ended: Any) -> float:
        if self._device.type != "cuda":
            return float(1e3 * (ended - began))
        return float(began.elapsed_time(ended))


def time_stages(work: Callable[[], object], device: torch.device) -> dict[str, float]:
    """Milliseconds of the device by stage of a pass that has run before."""
    clock = StageClock(device)
    with watching.device_calls(clock.call, replayed=True):
        work()
    spent = clock.milliseconds()
    spent.pop(watching.SCRIPT, None)
    return spent


def over_aim(spent: Mapping[str, float], predicted: Mapping[str, float], aim: float) -> dict[str, Any]:
    """By stage: milliseconds, the prediction's, and those above its share in a pass of `aim` milliseconds."""
    whole = sum(predicted.values())
    return {
        stage: {
            "ms": round(took, 1),
            "predicted_ms": round(predicted.get(stage, 0), 1),
            "over_ms": round(took - aim * predicted.get(stage, 0) / whole, 1),
        }
        for stage, took in spent.items()
    }

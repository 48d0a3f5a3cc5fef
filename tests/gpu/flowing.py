"""The real flow over loopback links, from URLs to outcomes, and when the models worked."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from common.settings import FetchSettings
from workers.batch import loop
from workers.batch.bodies import WebBodies
from workers.batch.flow import Flow
from workers.captions import Captions, ModelInputs
from workers.cascade.cascade import Cascade
from workers.decode.decoder import decode

GONE = 5
"""Every fifth link of the server is a 404."""

SETTINGS = FetchSettings.model_validate({"allow_networks": "127.0.0.0/8", "per_host": 64, "timeout": 60})


class Watched:
    """The cascade, and when it worked."""

    def __init__(self, cascade: Cascade) -> None:
        self._cascade, self.dtype, self.dtypes = cascade, cascade.dtype, cascade.dtypes
        self.prepare, self.announce = cascade.prepare, cascade.announce
        self.passes: list[tuple[float, float]] = []

    def caption(self, inputs: Sequence[ModelInputs], keys: Sequence[int]) -> list[Captions]:
        began = time.monotonic()
        try:
            return self._cascade.caption(inputs, keys)
        finally:
            self.passes.append((began, time.monotonic()))


@dataclass(frozen=True)
class Flowed:
    """What a flow, or several on one card, did."""

    captioned: int
    passes: list[tuple[float, float]]  # begin and end of each, in seconds of the machine's clock

    @property
    def images_per_second(self) -> float:
        return round(self.captioned / self._seconds, 1)

    @property
    def idle_share(self) -> float:
        """Of the time from the first pass to the last: in which no pass ran."""
        busy, reached = 0.0, self.passes[0][0]
        for began, ended in self.passes:
            busy += max(0.0, ended - max(began, reached))
            reached = max(reached, ended)
        return round(1 - busy / self._seconds, 3)

    @property
    def _seconds(self) -> float:
        return max(ended for _, ended in self.passes) - self.passes[0][0]


def run_flow(cascade: Cascade, links: Sequence[str], micro_batch: int) -> Flowed:
    """One batch of `links`."""
    watched = Watched(cascade)
    flow = Flow(watched, SETTINGS, micro_batch, decode, lambda _: None)
    outcomes = loop.run(flow.run(WebBodies(list(links), SETTINGS), range(len(links)), {}))
    done = sum(outcome.captions is not None for outcome in outcomes)
    return Flowed(done, sorted(watched.passes))


def join(flows: Sequence[Any]) -> Flowed:
    """All of them as one, of `Flowed` or their fields."""
    passes = sorted((began, ended) for flow in flows for began, ended in flow["passes"])
    return Flowed(sum(flow["captioned"] for flow in flows), passes)


def expected(links: int) -> int:
    """Rows that have a caption."""
    return sum(1 for number in range(links) if number % GONE)

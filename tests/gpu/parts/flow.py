"""The real flow, from links on loopback to outcomes: every row ends well, and how long the models waited."""

import time
from collections.abc import Sequence

import torch

from common.settings import FetchSettings
from tests.benchmarks.picture_server import picture_server, urls
from tests.gpu.report import Report
from tests.gpu.toys import toy_cascade
from workers.batch import loop
from workers.batch.bodies import WebBodies
from workers.batch.flow import Flow
from workers.captions import Captions, ModelInputs
from workers.cascade import Cascade
from workers.decode import decode

LINKS = {"cuda": 4000, "cpu": 20}
GONE = 5
"""Every fifth link of the server is a 404."""


class Watched:
    """The cascade, and when it worked."""

    def __init__(self, cascade: Cascade) -> None:
        self._cascade, self.dtype = cascade, cascade.dtype
        self.prepare = cascade.prepare
        self.passes: list[tuple[float, float]] = []

    def caption(self, inputs: Sequence[ModelInputs], keys: Sequence[int]) -> list[Captions]:
        began = time.monotonic()
        try:
            return self._cascade.caption(inputs, keys)
        finally:
            self.passes.append((began, time.monotonic()))


def check(device: torch.device, report: Report) -> None:
    count = LINKS[device.type]
    cascade = Watched(toy_cascade(str(device)))
    settings = FetchSettings.model_validate({"allow_networks": "127.0.0.0/8", "per_host": 64, "timeout": 60})
    with picture_server("--pictures", str(min(count, 100))) as port:
        links = urls(port, count)
        flow = Flow(cascade, settings, 64 if device.type == "cuda" else 8, decode, lambda _: None)
        outcomes = loop.run(flow.run(WebBodies(links, settings), range(count), {}))
    expected = sum(1 for number in range(count) if number % GONE)
    done = sum(outcome.captions is not None for outcome in outcomes)
    report.require("rows_captioned", done, is_good=done == expected, rule=f"it has to be {expected}")
    seconds = cascade.passes[-1][1] - cascade.passes[0][0]
    busy = sum(ended - began for began, ended in cascade.passes)
    report.note("images_per_second", round(done / seconds, 1))
    report.note("idle_share", round(1 - busy / seconds, 3))

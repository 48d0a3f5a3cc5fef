"""One of several processes on the card: `python -m tests.gpu.member DEVICE`.

It builds the models, says `ready`, and does what each line of its input orders; a line of JSON is the answer.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import asdict
from typing import Any

import torch

from tests.gpu.flowing import run_flow
from tests.gpu.timing import wait
from tests.gpu.workload import build_cascade, captioner_of, prepare
from workers.cascade.cascade import Cascade
from workers.cascade.device import choose_device


def run_passes(cascade: Cascade, device: torch.device, *, images: int, seconds: float) -> dict[str, Any]:
    """Passes of `images` until `seconds` are over, one at least."""
    inputs = prepare(cascade, images)
    wait(device)
    began, done = time.monotonic(), 0
    while not done or time.monotonic() < began + seconds:
        cascade.caption(inputs, range(images))
        done += images
    wait(device)
    return {"images": done, "seconds": time.monotonic() - began}


def run_links(cascade: Cascade, _: torch.device, *, images: int, links: list[str]) -> dict[str, Any]:
    """The real flow over `links`."""
    captioner_of(cascade).write_ahead(images, len(links) // images + 1)
    return asdict(run_flow(cascade, links, images))


WORKS: Mapping[str, Callable[..., dict[str, Any]]] = {"passes": run_passes, "links": run_links}


def main(name: str) -> None:
    answers = sys.stdout
    with redirect_stdout(sys.stderr), torch.inference_mode():
        device = choose_device(name)
        cascade = build_cascade(device)
        print("ready", file=answers, flush=True)
        for line in sys.stdin:
            order = json.loads(line)
            answer = WORKS[order.pop("work")](cascade, device, **order)
            print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])

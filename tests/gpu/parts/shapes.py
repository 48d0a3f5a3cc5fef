"""A new shape of texts costs what a known one does, and a new thread what the last did."""

import statistics
import threading

import torch

from tests.benchmarks.cascade_models import clip, fixed_length_tokens
from tests.gpu.report import Report
from tests.gpu.timing import seconds
from tests.gpu.toys import toy_cascade, toy_inputs
from workers.cascade.clip.text_tower import encode_texts

NEW_SHAPES = 10
THREADS = 5
SHAPE_BOUND, THREAD_BOUND = 1.5, 1.3


@torch.inference_mode()
def check(device: torch.device, report: Report) -> None:
    with torch.device(device):
        model = clip("ViT-L-14").to(dtype=torch.float16)
    texts = [f"a caption of number {number}" for number in range(640)]
    tokens = fixed_length_tokens(texts)
    for count in (640, 320):
        seconds(lambda count=count: encode_texts(model, tokens[:count]), device)  # type: ignore[misc]
    known = statistics.median(seconds(lambda: encode_texts(model, tokens), device) for _ in range(NEW_SHAPES))
    new = [
        seconds(lambda count=count: encode_texts(model, tokens[:count]), device)  # type: ignore[misc]
        for count in range(640 - NEW_SHAPES, 640)
    ]
    ratio = round(statistics.median(new) / known, 2)
    report.note("known_shape_ms", round(known * 1e3, 2))
    report.require("new_shape_times", ratio, is_good=ratio < SHAPE_BOUND, rule=f"below {SHAPE_BOUND}")
    _check_threads(device, report)


def _check_threads(device: torch.device, report: Report) -> None:
    cascade = toy_cascade(str(device))
    inputs = toy_inputs(cascade, 16)
    first: list[float] = []
    cascade.caption(inputs, range(len(inputs)))
    usual = statistics.median(
        seconds(lambda: cascade.caption(inputs, range(len(inputs))), device) for _ in range(THREADS)
    )
    for _ in range(THREADS):
        thread = threading.Thread(
            target=lambda: first.append(seconds(lambda: cascade.caption(inputs, range(len(inputs))), device))
        )
        thread.start()
        thread.join()
    ratio = round(statistics.median(first) / usual, 2)
    report.require("new_thread_times", ratio, is_good=ratio < THREAD_BOUND, rule=f"below {THREAD_BOUND}")

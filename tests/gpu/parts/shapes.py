"""A new shape of texts costs what a known one does, and a new thread what the last did."""

import statistics
import threading

import torch

from tests.benchmarks.cascade_models import clip, fixed_length_tokens
from tests.benchmarks.small_models import small_clip
from tests.gpu.report import Report
from tests.gpu.timing import seconds
from tests.gpu.toys import toy_cascade, toy_inputs
from workers.cascade.clip.text_tower import encode_texts

TEXTS = {"cuda": 640, "cpu": 8}
NEW_SHAPES = {"cuda": 10, "cpu": 2}
IMAGES = {"cuda": 16, "cpu": 1}
THREADS = {"cuda": 5, "cpu": 1}
BOUNDS = {"cuda": {"shape": 1.5, "thread": 1.3}, "cpu": {"shape": float("inf"), "thread": float("inf")}}
"""Times what is known; a CPU has no plans to make."""


@torch.inference_mode()
def check(device: torch.device, report: Report) -> None:
    _check_shapes(device, report)
    _check_threads(device, report)


def _check_shapes(device: torch.device, report: Report) -> None:
    texts, shapes = TEXTS[device.type], NEW_SHAPES[device.type]
    with torch.device(device):
        model = small_clip("ViT-L-14") if device.type == "cpu" else clip("ViT-L-14").half()
    tokens = fixed_length_tokens([f"a caption of number {number}" for number in range(texts)])

    def encode(count: int) -> float:
        return seconds(lambda: encode_texts(model, tokens[:count]), device)

    for count in (texts, texts // 2):
        encode(count)
    known = statistics.median(encode(texts) for _ in range(shapes))
    new = statistics.median(encode(texts - 1 - number) for number in range(shapes))
    report.note("known_shape_ms", round(known * 1e3, 2))
    _require_ratio("new_shape_times", new / known, BOUNDS[device.type]["shape"], report)


def _check_threads(device: torch.device, report: Report) -> None:
    cascade, threads = toy_cascade(str(device)), THREADS[device.type]
    inputs = toy_inputs(cascade, IMAGES[device.type])
    first: list[float] = []

    def run() -> float:
        return seconds(lambda: cascade.caption(inputs, range(len(inputs))), device)

    run()
    usual = statistics.median(run() for _ in range(threads))
    for _ in range(threads):
        thread = threading.Thread(target=lambda: first.append(run()))
        thread.start()
        thread.join()
    _require_ratio(
        "new_thread_times", statistics.median(first) / usual, BOUNDS[device.type]["thread"], report
    )


def _require_ratio(name: str, ratio: float, bound: float, report: Report) -> None:
    report.require(name, round(ratio, 2), is_good=ratio < bound, rule=f"below {bound}")

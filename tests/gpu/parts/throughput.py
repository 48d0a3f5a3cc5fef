"""Images a second at full size on the truthful workload, ours by images of a pass, and the usual pipeline."""

import torch

from tests.benchmarks import cascade as bench
from tests.benchmarks import cascade_truthful
from tests.benchmarks import cascade_ways as ways
from tests.benchmarks.cascade_truthful import TruthfulModels
from tests.gpu.reference import beside
from tests.gpu.report import Report
from tests.gpu.timing import seconds
from tests.gpu.workload import build_models, captioner_of, pass_seconds, prepare
from workers.device.errors import is_out_of_memory

SIZES = {"cuda": (8, 32, 64, 128), "cpu": (1,)}
USUAL = {"cuda": (16, 32, 64), "cpu": (1,)}
TIMES = {"cuda": 5, "cpu": 1}


@torch.inference_mode()
def check(device: torch.device, report: Report) -> None:
    models = build_models(device)
    best = _time_ours(models, device, report)
    usual = _time_usual(models, device, report)
    report.note("truthful_images_per_second", beside("truthful_images_per_second", best))
    report.note("truthful_usual_images_per_second", beside("truthful_usual_images_per_second", usual))
    report.note("times_usual", beside("times_usual", round(best / usual, 1)))


def _time_ours(models: TruthfulModels, device: torch.device, report: Report) -> float:
    """Images a second at the best number of images a pass."""
    cascade, sizes = cascade_truthful.ours(models), SIZES[device.type]
    captioner_of(cascade).captures = True
    inputs = prepare(cascade, max(sizes))
    rates = []
    for size in sizes:
        spent = pass_seconds(cascade, inputs[:size], device, times=TIMES[device.type])
        rates.append(round(size / spent, 1))
        name = f"images_per_second_{size}"
        report.note(name, beside(name, rates[-1]))
        report.note(f"images_per_pass_{size}", cascade.passes.size or size)
        if device.type == "cuda":
            report.note(f"memory_gib_{size}", round(torch.cuda.max_memory_reserved() / 2**30, 1))
    cascade.captioner.release()
    return max(rates)


def _time_usual(models: TruthfulModels, device: torch.device, report: Report) -> float:
    """As `_time_ours`, of the usual pipeline from images to captions; sizes beyond the memory are 0."""
    rates = []
    for size in USUAL[device.type]:
        if device.type == "cuda":
            torch.cuda.empty_cache()
        rate = _usual_rate(models, size, device)
        report.note(f"usual_images_per_second_{size}", rate or "out of memory")
        rates.append(rate)
    return max(rates)


def _usual_rate(models: TruthfulModels, size: int, device: torch.device) -> float:
    """0 where memory does not suffice; the first run of a size is not counted."""
    images = bench.draw_images(size)
    try:
        ways.usual(models, images[:1], 1)
        spent = seconds(lambda: ways.usual(models, images, size), device)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return 0.0
    return round(size / spent, 2)

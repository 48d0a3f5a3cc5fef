"""The real flow at full size in one process: every row ends well, and how long the models waited."""

import torch

from tests.benchmarks.image_server import image_server, urls
from tests.gpu.flowing import expected, run_flow
from tests.gpu.reference import beside
from tests.gpu.report import Report
from tests.gpu.workload import build_cascade, captioner_of, pass_seconds, prepare

LINKS = {"cuda": 3000, "cpu": 5}
IMAGES = {"cuda": 64, "cpu": 2}


def check(device: torch.device, report: Report) -> None:
    cascade, images, count = build_cascade(device), IMAGES[device.type], LINKS[device.type]
    pass_seconds(cascade, prepare(cascade, images), device, times=1)  # captures steps
    captioner_of(cascade).write_ahead(images, count // images + 1)
    with image_server("--images", str(min(count, 100))) as port:
        flowed = run_flow(cascade, urls(port, count), images)
    wanted = expected(count)
    report.require("rows_captioned", flowed.captioned, is_good=flowed.captioned == wanted,
                   rule=f"it has to be {wanted}")  # fmt: skip
    report.note("flow_images_per_second", beside("flow_images_per_second", flowed.images_per_second))
    report.note("flow_idle_share", beside("flow_idle_share", flowed.idle_share))

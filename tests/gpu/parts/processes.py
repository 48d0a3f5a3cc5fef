"""One, two and three processes on the one card: images a second together, and the real flow in two."""

from collections.abc import Sequence

import torch

from tests.benchmarks.image_server import image_server, urls
from tests.gpu.crew import Crew
from tests.gpu.flowing import Flowed, expected, join
from tests.gpu.reference import beside
from tests.gpu.report import Report
from workers.device.capacity import (
    BASE,
    GOOD_SIZE,
    IMAGE,
    SIZES,
    USABLE,
    choose_micro_batch,
    share_of_card,
)

MOST = {"cuda": 3, "cpu": 1}
FLOWING = 2
SECONDS = {"cuda": 5.0, "cpu": 0.0}
LINKS = {"cuda": 3000, "cpu": 5}


def check(device: torch.device, report: Report) -> None:
    most, images = _fit(device)
    report.note("images_per_pass", images)
    order = {"work": "passes", "images": images}
    with Crew(device, most) as crew:
        crew.work([{**order, "seconds": 0}] * most)  # captures steps
        for count in range(1, most + 1):
            done = crew.work([{**order, "seconds": SECONDS[device.type]}] * count)
            _note_rate(f"processes_{count}", sum(one["images"] / one["seconds"] for one in done), report)
        _check_flow(crew, images, min(FLOWING, most), LINKS[device.type], report)


def _check_flow(crew: Crew, images: int, together: int, count: int, report: Report) -> None:
    with image_server("--images", str(min(count, 100))) as port:
        flowed = _flow(crew, urls(port, count), images, together)
    wanted = expected(count)
    report.require("rows_captioned", flowed.captioned, is_good=flowed.captioned == wanted,
                   rule=f"it has to be {wanted}")  # fmt: skip
    _note_rate("flow", flowed.images_per_second, report)
    report.note("flow_idle_share", beside("flow_idle_share", flowed.idle_share))


def _flow(crew: Crew, links: Sequence[str], images: int, together: int) -> Flowed:
    shares = [links[number::together] for number in range(together)]
    return join(crew.work([{"work": "links", "images": images, "links": share} for share in shares]))


def _note_rate(what: str, rate: float, report: Report) -> None:
    name = f"{what}_images_per_second"
    report.note(name, beside(name, round(rate, 1)))


def _fit(device: torch.device) -> tuple[int, int]:
    """Processes that the card has memory for, and images of a pass in each of them."""
    most = MOST[device.type]
    if device.type != "cuda":
        return most, 2
    free, total = torch.cuda.mem_get_info(device)
    most = max(1, min(most, int(free * USABLE) // (BASE + SIZES[0] * IMAGE)))
    return most, min(GOOD_SIZE, choose_micro_batch(share_of_card(free, total, most)))

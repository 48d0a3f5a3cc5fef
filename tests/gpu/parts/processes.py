"""One, two and three processes on the one card: images a second together, and the real flow in two."""

from collections.abc import Sequence

import torch

from tests.benchmarks.picture_server import picture_server, urls
from tests.gpu.crew import Crew
from tests.gpu.flowing import Flowed, expected, join
from tests.gpu.reference import beside
from tests.gpu.report import Report
from workers.device.capacity import choose_micro_batch, share_of_card

MOST = {"cuda": 3, "cpu": 1}
FLOWING = {"cuda": 2, "cpu": 1}
SECONDS = {"cuda": 5.0, "cpu": 0.0}
LINKS = {"cuda": 3000, "cpu": 5}
GOOD_SIZE = 64


def check(device: torch.device, report: Report) -> None:
    most, images = MOST[device.type], _images_per_pass(device)
    report.note("images_per_pass", images)
    order = {"work": "passes", "images": images}
    with Crew(device, most) as crew:
        crew.work([{**order, "seconds": 0}] * most)  # captures steps
        for count in range(1, most + 1):
            done = crew.work([{**order, "seconds": SECONDS[device.type]}] * count)
            _note_rate(f"processes_{count}", sum(one["images"] / one["seconds"] for one in done), report)
        _check_flow(crew, images, device, report)


def _check_flow(crew: Crew, images: int, device: torch.device, report: Report) -> None:
    count, together = LINKS[device.type], FLOWING[device.type]
    with picture_server("--pictures", str(min(count, 100))) as port:
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


def _images_per_pass(device: torch.device) -> int:
    """As many as a card holds of three processes, at most as many as are usual."""
    if device.type != "cuda":
        return 2
    free, total = torch.cuda.mem_get_info(device)
    return min(GOOD_SIZE, choose_micro_batch(share_of_card(free, total, MOST[device.type])))

"""What was measured before, on one H200: each new figure is printed beside it."""

from collections.abc import Mapping
from typing import Any, Final

VERSION = "version 0.1 on an H200, bfloat16, torch 2.11"

EARLIER: Final[Mapping[str, float]] = {
    "images_per_second_8": 55.3,
    "images_per_second_32": 90,
    "images_per_second_64": 117,
    "images_per_second_128": 129,
    "truthful_images_per_second": 129,
    "truthful_usual_images_per_second": 20.9,
    "processes_2_images_per_second": 134,
    "flow_images_per_second": 91,
    "flow_idle_share": 0.28,
    "pass_ms": 524,
    "kernels": 20_473,
    "busy_share": 0.72,
}

AIM: Final = 400  # images a second
BARS: Final[Mapping[str, float]] = {"flow_images_per_second": 250, "times_usual": 12}


def beside(name: str, found: float) -> dict[str, Any]:
    """A figure, the earlier one of its name, and what is asked of it, where there are such."""
    more = {VERSION: EARLIER.get(name), "asked": BARS.get(name)}
    return {"found": found, **{key: value for key, value in more.items() if value is not None}}

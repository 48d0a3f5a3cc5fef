"""What each technique is worth on a GPU: a prediction, `python -m tests.benchmarks.techniques --json FILE`.

The roofline is computed with everything as it is shipped, and once for each technique with the plain way in
its place: what is lost without it, by card. Nothing else changes, so losses do not add up: a kernel that is
hidden or shared may count twice or never. One pace of the host holds for all; what `host_ms` hides behind the
device's work `host_work_ms` shows.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import torch

from tests.benchmarks import roofline
from tests.benchmarks.cards import CARDS
from tests.benchmarks.plain_ways import AS_BUILT, AS_RUN, Way

SHIPPED: Final = "as shipped"
WAYS: Final[Mapping[str, Way]] = AS_BUILT | AS_RUN
_KEPT: Final = ("kernels", "host_ms", "host_work_ms", "cache_mb_per_image", "device_ms", "images_per_second")


def measure(names: Iterable[str]) -> dict[str, Any]:
    """Figures as shipped and without each of `names`, and what is lost."""
    pace = roofline.pace()
    with patch.object(roofline, "pace", lambda: pace):
        shipped = _predict(nullcontext)
        without = {name: _predict(WAYS[name]) for name in names}
    return {
        "prediction": "from counted kernels and stated ceilings; no GPU took part",
        SHIPPED: shipped,
        "without": without,
        "lost": {name: lose(shipped, found) for name, found in without.items()},
    }


def _predict(way: Way) -> dict[str, Any]:
    with way():
        found = roofline.predict(in_a_row=False)
    return {name: found[name] for name in _KEPT}


def lose(shipped: Mapping[str, Any], without: Mapping[str, Any]) -> dict[str, Any]:
    """Milliseconds of 64 images that are added, images a second that are gone, cache that is taken."""
    more = {name: round(without[name] - shipped[name], 2) for name in ("host_ms", "host_work_ms")}
    cards = {
        "device_ms": {
            name: round(without["device_ms"][name] - shipped["device_ms"][name], 1) for name in CARDS
        },
        "images_per_second": {
            name: round(shipped["images_per_second"][name] - without["images_per_second"][name], 1)
            for name in CARDS
        },
    }
    cache = round(without["cache_mb_per_image"] - shipped["cache_mb_per_image"], 1)
    return {"kernels": without["kernels"] - shipped["kernels"], **more, "cache_mb_per_image": cache, **cards}


def table(found: Mapping[str, Any]) -> str:
    """Markdown, the dearest first on an H200."""
    head = "| without | kernels | H200 ms | host ms (of work) | images a second: H200 | A100 | L4 | T4 |"
    rows = [head, "|---|---|---|---|---|---|---|---|"]
    lost = sorted(found["lost"].items(), key=lambda item: -item[1]["images_per_second"]["H200"])
    for name, loss in lost:
        rates = " | ".join(f"{-loss['images_per_second'][card]:+.1f}" for card in CARDS)
        work = f"{loss['host_ms']:+.1f} ({loss['host_work_ms']:+.1f})"
        rows.append(f"| {name} | {loss['kernels']:+} | {loss['device_ms']['H200']:+.1f} | {work} | {rates} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, required=True, metavar="FILE")
    parser.add_argument("--only", nargs="+", choices=WAYS, default=list(WAYS), metavar="TECHNIQUE")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = measure(options.only)
    options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(table(found) + "\n")


if __name__ == "__main__":
    main()

"""What an image and a URL cost beside another version: `python -m tests.benchmarks.beside CHECKOUT`.

CHECKOUT is a folder with that version, as `git worktree add` makes one; this interpreter runs both. A process
of each stays alive, and they take turns: CPU milliseconds of decoding and of decoding with the models' three
inputs, on JPEG, PNG and WebP without profiles and with profiles as the web has them; and of a URL over HTTP,
with the signs that version 0.1 knew and with all of them, robots.txt asked for before. The ratio is the
median of the pairs' ratios. Prints one JSON object.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.decode import tag
from tests.benchmarks.image_server import HOSTS, image_server, urls
from tests.benchmarks.images import draw_images

ROOT = Path(__file__).parents[2]
WORK = Path(__file__).with_name("beside_work.py")
HEADERS_ALONE = "x-robots-tag:noai,x-robots-tag:noimageai,x-robots-tag:noindex,x-robots-tag:noimageindex"
SIGNS = {"signs of 0.1": HEADERS_ALONE, "all signs": "all"}
Order = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--urls", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, image_server() as port, ExitStack() as stack:
        versions = [stack.enter_context(_version(folder)) for folder in (options.checkout, ROOT)]
        orders = {**_images(Path(name), options.images), **_links(port, options.urls)}
        found = {kind: _compare(versions, order, options.rounds) for kind, order in orders.items()}
    print(json.dumps(found, indent=1))


def _images(folder: Path, count: int) -> dict[str, Order]:
    """Orders to decode images: as they are, and with profiles."""
    orders = {}
    for name in ("without profiles", "with profiles"):
        (folder / name).mkdir()
        for number, body in enumerate(draw_images(count)):
            tagged = tag(body, number) if name == "with profiles" else body
            (folder / name / f"{number:06d}").write_bytes(tagged)
        for inputs, work in ((0, "decode"), (3, "decode and resize")):
            orders[f"{work}, {name}"] = {"images": str(folder / name), "inputs": inputs}
    return orders


def _links(port: int, count: int) -> dict[str, Order]:
    """Orders to fetch; `first` is one link of each host."""
    links = urls(port, count + len(HOSTS))
    first, others = links[: len(HOSTS)], links[len(HOSTS) :]
    return {
        f"URL, {name}": {"first": first, "links": others, "signs": signs} for name, signs in SIGNS.items()
    }


def _compare(versions: list["subprocess.Popen[bytes]"], order: Order, rounds: int) -> dict[str, float]:
    """Medians over pairs; the one that begins alternates."""
    _ask(versions[0], order)
    _ask(versions[1], order)
    pairs = []
    for number in range(rounds):
        turns = (0, 1) if number % 2 else (1, 0)
        answers = {turn: _ask(versions[turn], order) for turn in turns}
        pairs.append((answers[0], answers[1]))
    then, now = (round(statistics.median(column), 4) for column in zip(*pairs, strict=True))
    ratio = statistics.median(ours / theirs for theirs, ours in pairs)
    return {"other_ms": then, "ours_ms": now, "ratio": round(ratio, 3)}


@contextmanager
def _version(folder: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """A process that imports from `folder` alone."""
    command = [sys.executable, "-c", WORK.read_text()]
    environment = {**os.environ, "PYTHONPATH": str(folder.resolve()), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def _ask(version: "subprocess.Popen[bytes]", order: Order) -> float:
    assert version.stdin is not None
    assert version.stdout is not None
    version.stdin.write(json.dumps(order).encode() + b"\n")
    version.stdin.flush()
    return float(version.stdout.readline())


if __name__ == "__main__":
    main()

"""The adversary's soak: `python -m tests.faults.adversary --minutes 60 --json FILE`.

Rounds of 2,000 healthy rows each, everything hostile among and beside them; progress goes to standard error.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.faults.adversary.memory import watch_memory
from tests.faults.adversary.round import ENVIRONMENT, Mix, play, to_json
from tests.faults.adversary.site import hostile_servers
from tests.faults.broker import broker
from tests.faults.canary import canary
from tests.faults.fleet import fleet
from tests.faults.site import serve
from tests.faults.storm import tell

MOST_MB = 1500
"""Of one process: an interpreter, 640 MB of bodies, decoded images, and one image in a decoder of its own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Play rounds until the time is over; 0 if all healthy rows ended as they would alone."""
    options = _options(arguments)
    folder = Path(tempfile.mkdtemp(prefix="adversary-"))
    try:
        report = _soak(folder, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = json.dumps(report, indent=1) + "\n"
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(text)
    sys.stdout.write(text)
    return int(not report["sound"])


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.adversary", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60, help="begin no round after (%(default)s)")
    parser.add_argument("--rows", type=int, default=2000, help="healthy rows of a round (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the first round (%(default)s)")
    parser.add_argument("--json", type=Path, help="where the report goes, besides standard output")
    return parser.parse_args(arguments)


def _soak(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    rounds: list[dict[str, Any]] = []
    began = time.monotonic()
    with (
        broker(folder / "broker") as redis,
        serve() as site,
        canary() as bird,
        hostile_servers() as ports,
        fleet(folder / "fleet", redis, site, bird.url, **ENVIRONMENT) as crew,
    ):
        for _ in range(options.workers):
            crew.start()
        with watch_memory(crew) as peak:
            while not rounds or time.monotonic() - began < options.minutes * 60:
                seed, start = options.seed + len(rounds), time.monotonic()
                outcome = play(crew, ports, Mix(rows=options.rows), seed)
                rounds.append({"seed": seed, "seconds": round(time.monotonic() - start), **to_json(outcome)})
                tell(f"round {seed}: {rounds[-1]}; {peak}")
        is_bounded = max(peak.worker, peak.decoder) < MOST_MB
        return {
            "sound": all(one["sound"] for one in rounds) and is_bounded and not bird.hits,
            "seconds": round(time.monotonic() - began),
            "healthy_rows": options.rows * len(rounds),
            "peak_mb": {"worker": peak.worker, "decoder": peak.decoder},
            "forbidden_addresses_reached": bird.hits,
            "put_back": sum(len(worker.events("batch put back")) for worker in crew.workers),
            "rounds": rounds,
        }


if __name__ == "__main__":
    sys.exit(main())

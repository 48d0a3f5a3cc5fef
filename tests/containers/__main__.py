"""`make containers`: build both images, and run a toy run in containers as the manifests say.

A broker, a web site of toy pictures, Flower, the queue's metrics, a producer and two workers, of which one is
killed and one stopped in the middle. Every row must be accounted for, once.
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.cluster.trial import Trial
from tests.containers.checks import (
    require_contained,
    require_every_row,
    require_metrics,
    require_password,
    state,
)
from tests.containers.engine import INIT, INSTALL, PROGRAMS, ContainerError
from tests.containers.fleet import SUBNET, Fleet, Running, fleet
from tests.containers.images import build_images, sizes
from tests.containers.probes import PROBER

TRIAL = Trial(batches=8, rows_of_a_batch=10, networks=f"{SUBNET}.0/24", components=("monitoring",))
KILLED = 137
RUN_SECONDS = 900
SIGNAL_AFTER = (0.1, 0.5, 1.0, 2.0, 5.0)

Figures = dict[str, Any]


def main() -> int:
    """Print the figures as JSON; returns the exit code."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing or not INIT.exists():
        print(f"make containers: {', '.join(missing) or INIT} is missing; {INSTALL}", file=sys.stderr)
        return 2
    try:
        figures: Figures = {"seconds to build": build_images(), "sizes": sizes()}
        with fleet(TRIAL) as running:
            figures |= _run(running)
    except ContainerError as error:
        print(f"make containers: {error}", file=sys.stderr)
        return 1
    print(json.dumps(figures, indent=1))
    return 0


def _run(running: Fleet) -> Figures:
    ready, queue = _start_control_plane(running)
    _say(running.run_job("enqueue").strip())
    first = [_start_worker(running, name) for name in ("worker-a", "worker-b")]
    ready["worker"] = [worker.wait(seconds=RUN_SECONDS) for worker in first]
    _until(lambda: state(running)["batches"]["done"] >= 2, "two shards")
    figures: Figures = {"seconds until ready": ready, **_kill_and_stop(*first)}
    second = [_start_worker(running, name) for name in ("worker-c", "worker-d")]
    _until(lambda: state(running)["batches"]["done"] == TRIAL.batches, "all shards")
    figures["rows"] = require_every_row(running, TRIAL)
    figures["metrics"] = require_metrics(queue, second, TRIAL)
    return figures | _signal_early(running)


def _start_control_plane(running: Fleet) -> tuple[Figures, Running]:
    """Returns the seconds until each was ready, and the pod of the queue's metrics."""
    running.start("Deployment", PROBER)
    broker = running.start("StatefulSet", "broker")
    ready: Figures = {"broker": broker.wait()}
    pods = {}
    for name in ("pictures", "flower", "queue-metrics"):
        pods[name] = running.start("Deployment", name)
        ready[name] = pods[name].wait()
    require_password(pods["flower"])
    require_contained(pods["flower"])
    return ready, pods["queue-metrics"]


def _start_worker(running: Fleet, name: str) -> Running:
    return running.start("Deployment", "worker", name)


def _kill_and_stop(killed: Running, stopped: Running) -> Figures:
    require_contained(stopped)
    killed.kill()
    seconds, code = stopped.stop()
    if code == KILLED:
        raise ContainerError(f"{stopped.name} was killed {seconds} s after its SIGTERM")
    return {"seconds from SIGTERM to the end": seconds, "exit code after SIGTERM": code}


def _signal_early(running: Fleet) -> Figures:
    """A worker that is told to stop while it starts does so, and is not killed."""
    took = {}
    for after in SIGNAL_AFTER:
        worker = _start_worker(running, f"early-{after}")
        time.sleep(after)
        took[str(after)], code = worker.stop()
        if code == KILLED:
            raise ContainerError(f"a SIGTERM after {after} s was ignored for {took[str(after)]} s")
    return {"seconds from an early SIGTERM to the end": took}


def _until(is_so: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + RUN_SECONDS
    while not is_so():
        if time.monotonic() > end:
            raise ContainerError(f"no {what} after {RUN_SECONDS} s")
        time.sleep(1)
    _say(what)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    argparse.ArgumentParser(prog="make containers", description=__doc__).parse_args()
    sys.exit(main())

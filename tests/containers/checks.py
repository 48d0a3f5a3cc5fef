"""Checks of a trial in containers: users, open ports, counters, and that no row is lost."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from tests.cluster.trial import Trial
from tests.containers.engine import ContainerError, podman
from tests.containers.fleet import PASSWORD, Fleet, Running
from tests.containers.probes import ask

KERNEL_SAYS = """
import os
lines = [line.split() for line in open('/proc/self/status')]
wanted = ('CapEff:', 'NoNewPrivs:', 'Seccomp:')
print(os.getuid(), *(words[1] for words in lines if words and words[0] in wanted))
"""


def require_contained(pod: Running) -> None:
    """Nobody's user, no capability, no way to more, system calls filtered: by the kernel's word."""
    said = podman("exec", pod.name, "python", "-c", KERNEL_SAYS).stdout.split()
    if said != ["10001", "0000000000000000", "1", "2"]:
        raise ContainerError(f"{pod.name}: user, capabilities, new privileges, seccomp are {said}")


def require_password(flower: Running) -> None:
    """Flower answers nobody but its operator."""
    for user, expected in (("operator:wrong", 401), (f"operator:{PASSWORD}", 200)):
        status, _ = ask(flower.address, 5555, "/workers", f"Basic {b64encode(user.encode()).decode()}")
        if status != expected:
            raise ContainerError(f"Flower answers {user} with {status} and not {expected}")


def require_every_row(fleet: Fleet, trial: Trial) -> dict[str, int]:
    """Each row once, with the status that its address deserves.

    Raises:
        ContainerError: `producer verify` finds a fault, or the counts differ.
    """
    answer = fleet.ask("producer", "verify", "--json")
    rows = {name: count for name, count in state(fleet)["rows"]["by_status"].items() if count}
    expected = {"ok": trial.rows - trial.dead_links, "http_4xx": trial.dead_links}
    if answer.returncode or rows != expected:
        raise ContainerError(f"rows are {rows} and not {expected}; verify: {answer.stdout}{answer.stderr}")
    return rows


def require_metrics(queue: Running, workers: Sequence[Running], trial: Trial) -> dict[str, float]:
    """The queue is empty, and the workers that are left counted what they wrote."""
    gauges = _metrics(queue)
    if (gauges["fleet_broker_up"], gauges["fleet_queue_waiting"]) != (1, 0):
        raise ContainerError(f"the queue's metrics are {gauges}")
    counted = sum(
        value
        for worker in workers
        for series, value in _metrics(worker).items()
        if series.startswith("fleet_rows_total")
    )
    if not 0 < counted <= trial.rows:
        raise ContainerError(f"the last workers counted {counted} rows of {trial.rows}")
    return {"rows that the last workers counted": counted, **gauges}


def _metrics(pod: Running) -> dict[str, float]:
    status, body = ask(pod.address, 9100, "/metrics")
    if status != 200:
        raise ContainerError(f"{pod.name}: /metrics answers {status}: {body}")
    lines = body.splitlines()
    series = (line.rpartition(" ") for line in lines if line.startswith("fleet_"))
    return {name: float(value) for name, _, value in series}


def state(fleet: Fleet) -> Mapping[str, Any]:
    """The answer of `producer status`."""
    answer = fleet.ask("producer", "status", "--json")
    if not answer.stdout:
        raise ContainerError(f"producer status: {answer.stderr}")
    return dict(json.loads(answer.stdout))

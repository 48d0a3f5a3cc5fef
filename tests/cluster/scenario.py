"""What is done to a fleet under load, step by step; each step returns the figure that it is about."""

import json
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

from tests.cluster.kubectl import ClusterError, get, is_ready, kubectl, pods, until
from tests.cluster.trial import Trial

BROKER_SECONDS = 35
"""In which every worker takes batches again after the broker's pod was deleted."""
LONG = 900
_jobs = count(1)

State = Mapping[str, Any]


def install(overlay: Path, password: str) -> float:
    """Namespace, secret, overlay; returns the seconds until every deployment is available."""
    kubectl("apply", "--filename", overlay.parents[1] / "base" / "namespace.yaml")
    secret = {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "fleet"},
        "stringData": {
            "broker-password": password,
            "broker-url": f"redis://:{password}@broker:6379/0",
            "flower-user": f"operator:{password}",
        },
    }  # fmt: skip
    kubectl("apply", "--filename", "-", text=json.dumps(secret))
    _require_no_warning(kubectl("apply", "--kustomize", overlay).stderr)
    return until(lambda: all(map(_is_available, get("deployment"))), "every deployment available", LONG)


def _require_no_warning(said: str) -> None:
    """The namespace enforces `restricted`; what it would refuse is said as a warning first."""
    if "Warning" in said:
        raise ClusterError(said)


def _is_available(deployment: Mapping[str, Any]) -> bool:
    wanted = deployment["spec"]["replicas"]
    return bool(deployment.get("status", {}).get("availableReplicas", 0) >= wanted)


def enqueue() -> float:
    """Make a job of the template; returns the seconds until it is complete."""
    job = f"enqueue-{next(_jobs)}"
    kubectl("create", "job", job, "--from=cronjob/enqueue")
    began = time.monotonic()
    kubectl("wait", "--for=condition=complete", f"--timeout={LONG}s", f"job/{job}")
    return round(time.monotonic() - began, 1)


def state() -> State:
    """The answer of `producer status`, asked in the toolbox."""
    answer = kubectl("exec", "deployment/toolbox", "--", "producer", "status", "--json", check=False)
    if not answer.stdout:
        raise ClusterError(f"producer status: {answer.stderr}")
    return dict(json.loads(answer.stdout))


def more_done(than: int) -> bool:
    return bool(state()["batches"]["done"] > than)


def scale(replicas: int) -> float:
    """Ask for a number of workers; returns the seconds until so many are ready and no other is left."""
    kubectl("scale", "deployment/worker", f"--replicas={replicas}")
    return until(lambda: _has_workers(replicas), f"{replicas} workers ready", LONG)


def _has_workers(replicas: int) -> bool:
    every = get("pod", "--selector", "app.kubernetes.io/name=worker")
    return len(every) == replicas and all(map(is_ready, every))


def rollout_restart() -> float:
    began = time.monotonic()
    kubectl("rollout", "restart", "deployment/worker")
    kubectl("rollout", "status", "deployment/worker", f"--timeout={LONG}s")
    return round(time.monotonic() - began, 1)


def drain_a_node() -> float:
    """Drain the node of a worker; returns the seconds, and lets pods come back to it."""
    node = pods("worker")[0]["spec"]["nodeName"]
    others = [one["metadata"]["name"] for one in get("node") if one["metadata"]["name"] != node]
    if not others:
        raise ClusterError("one node only: nothing to drain to")
    began = time.monotonic()
    try:
        kubectl("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=300s",
                "--pod-selector", "app.kubernetes.io/name=worker")  # fmt: skip
        return round(time.monotonic() - began, 1)
    finally:
        kubectl("uncordon", node)


def delete_at_once(name: str) -> str:
    """Delete a pod of a deployment or set with no grace at all; returns its name."""
    pod = str(pods(name)[0]["metadata"]["name"])
    kubectl("delete", "pod", pod, "--grace-period=0", "--force")
    return pod


def broker_deleted() -> float:
    """Delete the broker's pod under load; returns the seconds until every worker works again."""
    restarts = _restarts()
    delete_at_once("broker")
    took = until(lambda: is_ready(pods("broker")[0]) if pods("broker") else False, "the broker ready", LONG)
    took += until(lambda: all(map(is_ready, pods("worker"))), "every worker ready", BROKER_SECONDS)
    before = int(state()["batches"]["done"])
    until(lambda: more_done(before), "batches taken again", BROKER_SECONDS)
    if _restarts() != restarts:
        raise ClusterError("a worker restarted because its broker was away")
    return took


def _restarts() -> dict[str, int]:
    return {
        pod["metadata"]["name"]: sum(one["restartCount"] for one in pod["status"]["containerStatuses"])
        for pod in pods("worker")
    }


def finish(trial: Trial) -> dict[str, int]:
    """Wait for the run's end; every row once, with the status that its address deserves."""
    kubectl("create", "job", f"requeue-{next(_jobs)}", "--from=cronjob/requeue")
    until(lambda: bool(state()["batches"]["done"] == trial.batches), "every batch done", 3600)
    verdict = kubectl("exec", "deployment/toolbox", "--", "producer", "verify", "--json", check=False)
    rows = {name: number for name, number in state()["rows"]["by_status"].items() if number}
    expected = {"ok": trial.rows - trial.dead_links, "http_4xx": trial.dead_links}
    if verdict.returncode or rows != expected:
        raise ClusterError(f"rows are {rows} and not {expected}; {verdict.stdout}{verdict.stderr}")
    return rows

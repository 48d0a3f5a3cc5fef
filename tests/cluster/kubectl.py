"""kubectl on the cluster that KUBECONFIG names, and waiting for what it says."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

KUBECTL = Path(sys.executable).parent / "kubectl"
NAMESPACE = "caption-fleet"


class ClusterError(Exception):
    """The cluster did not do what the scenario expects."""


def kubectl(
    *words: object, text: str | None = None, check: bool = True
) -> "subprocess.CompletedProcess[str]":
    """Run one command in the fleet's namespace.

    Raises:
        ClusterError: it failed, and `check` is set.
    """
    answer = subprocess.run(
        [str(KUBECTL), "--namespace", NAMESPACE, *map(str, words)],
        input=text, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if check and answer.returncode:
        raise ClusterError(f"kubectl {' '.join(map(str, words))}: {answer.stderr.strip()}")
    return answer


def has_cluster() -> bool:
    """Whether an API server answers."""
    return kubectl("version", "--request-timeout=10s", check=False).returncode == 0


def get(kind: str, *words: object) -> list[dict[str, Any]]:
    """Objects of a kind."""
    return list(json.loads(kubectl("get", kind, *words, "--output", "json").stdout)["items"])


def pods(name: str) -> list[dict[str, Any]]:
    """Pods of a deployment, those that are about to go left out."""
    found = get("pod", "--selector", f"app.kubernetes.io/name={name}")
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def until(is_so: Callable[[], bool], what: str, seconds: float) -> float:
    """Wait; returns the seconds that it took.

    Raises:
        ClusterError: the time is over.
    """
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > seconds:
            raise ClusterError(f"after {seconds:.0f} s: not {what}")
        time.sleep(1)
    return round(time.monotonic() - began, 1)

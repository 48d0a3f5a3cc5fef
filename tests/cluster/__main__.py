"""`make cluster-test`: the laptop's overlay under load on the cluster that KUBECONFIG names.

Both images must be there (`kind load docker-image ...`). Figures are printed beside those of a control plane
whose pods were processes of one machine. What is installed is left behind only after an error.
"""

import argparse
import json
import secrets
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.cluster import scenario
from tests.cluster.keda import has_keda, scale_by_keda
from tests.cluster.kubectl import NAMESPACE, ClusterError, get, has_cluster, kubectl
from tests.cluster.trial import Trial, write_trial

TRIAL = Trial(batches=120, rows_of_a_batch=20)
SEEN = {
    "workers 1 -> 4": 17.0,
    "workers 4 -> 1": 22.0,
    "rollout restart of 4": 42.5,
    "drain of a node": 34.0,
    "KEDA": "0 -> 1 in 16",
}
"""Seconds on that control plane."""


def main() -> int:
    """Returns the exit code; 2 where there is no cluster."""
    if not has_cluster():
        print(
            "make cluster-test: no cluster answers; set KUBECONFIG, or `kind create cluster`", file=sys.stderr
        )
        return 2
    if any(one["metadata"]["name"] == NAMESPACE for one in get("namespace")):
        print(
            f"make cluster-test: there is a namespace {NAMESPACE}, which may hold somebody's run",
            file=sys.stderr,
        )
        return 2
    try:
        with tempfile.TemporaryDirectory() as folder:
            figures = _run(write_trial(TRIAL, Path(folder)))
    except ClusterError as error:
        print(f"make cluster-test: {error}", file=sys.stderr)
        return 1
    kubectl("delete", "namespace", NAMESPACE)
    print(json.dumps(figures, indent=1))
    return 0


def _run(overlay: Path) -> dict[str, Any]:
    steps: dict[str, Callable[[], Any]] = {
        "deployments available": lambda: scenario.install(overlay, secrets.token_hex(16)),
        "enqueue": scenario.enqueue,
        "workers 1 -> 4": lambda: scenario.scale(4),
        "broker deleted": scenario.broker_deleted,
        "pod deleted at once": lambda: scenario.delete_at_once("worker"),
        "rollout restart of 4": scenario.rollout_restart,
        **({"drain of a node": scenario.drain_a_node} if len(get("node")) > 1 else {}),
        "workers 4 -> 1": lambda: scenario.scale(1),
        "rows": lambda: scenario.finish(TRIAL),
        **({"KEDA": scale_by_keda} if has_keda() else {}),
    }
    figures = {}
    for name, step in steps.items():
        figures[name] = {"here": step(), "seen": SEEN.get(name)}
        print(f"{name}: {figures[name]}", file=sys.stderr, flush=True)
    return figures


if __name__ == "__main__":
    argparse.ArgumentParser(prog="make cluster-test", description=__doc__).parse_args()
    sys.exit(main())

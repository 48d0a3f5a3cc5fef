"""KEDA takes the workers from none to some and back, where it is installed."""

import json
from pathlib import Path

import yaml

from tests.cluster.kubectl import get, kubectl, until
from tests.cluster.scenario import enqueue

COMPONENT = Path(__file__).parents[2] / "k8s" / "components" / "keda"
COOLDOWN = 30
"""Seconds; the component's own would make the trial half an hour longer."""


def has_keda() -> bool:
    return kubectl("get", "crd", "scaledobjects.keda.sh", check=False).returncode == 0


def scale_by_keda() -> dict[str, float]:
    """Nothing queued, then another run, then nothing again; returns the seconds of each."""
    kubectl("apply", "--filename", COMPONENT / "policy.yaml", "--filename", "-", text=_impatient())
    none = until(lambda: _replicas() == 0, "no worker without work", 300)
    run = json.dumps({"data": {"RUN": "/output/again"}})
    kubectl("patch", "configmap", "run", "--patch", run)
    enqueue()
    some = until(lambda: _replicas() > 0, "a worker for the work", 300)
    back = until(lambda: _replicas() == 0, "no worker after the work", 3600)
    return {"1 -> 0": none, "0 -> N": some, "N -> 0": back}


def _impatient() -> str:
    """The component's objects, with short waits and this run's credentials."""
    objects = list(yaml.safe_load_all((COMPONENT / "scaled-object.yaml").read_text()))
    for one in objects:
        if one["kind"] == "ScaledObject":
            one["spec"] |= {"cooldownPeriod": COOLDOWN, "pollingInterval": 5}
            behavior = one["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
            behavior["scaleDown"]["stabilizationWindowSeconds"] = COOLDOWN
    return yaml.safe_dump_all(objects)


def _replicas() -> int:
    (worker,) = (one for one in get("deployment") if one["metadata"]["name"] == "worker")
    return int(worker["spec"].get("replicas", 0))

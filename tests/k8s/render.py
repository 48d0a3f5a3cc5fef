"""Rendering the manifests, once for all tests, and finding one's way in them."""

import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.processes import BIN

ROOT = Path(__file__).parents[2] / "k8s"
OVERLAYS = ("base", "overlays/laptop", "overlays/gpu-cloud")
KUBECTL = str(BIN / "kubectl")

Manifest = dict[str, Any]


@cache
def rendered(overlay: str) -> str:
    command = [KUBECTL, "kustomize", str(ROOT / overlay)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""
    return answer.stdout


def manifests(overlay: str, *kinds: str) -> list[Manifest]:
    """All objects of an overlay, or those of some kinds."""
    return [one for one in _loaded(overlay) if not kinds or one["kind"] in kinds]


@cache
def _loaded(overlay: str) -> tuple[Manifest, ...]:
    return tuple(yaml.load_all(rendered(overlay), yaml.CSafeLoader))


def named(overlay: str, kind: str, name: str) -> Manifest:
    (found,) = (one for one in manifests(overlay, kind) if one["metadata"]["name"] == name)
    return found


def pods(overlay: str) -> Iterator[tuple[str, Manifest]]:
    """Name and template of everything that starts pods."""
    for one in manifests(overlay, "Deployment", "StatefulSet", "Job", "CronJob"):
        spec = one["spec"]["jobTemplate"]["spec"] if one["kind"] == "CronJob" else one["spec"]
        yield f"{one['kind']} {one['metadata']['name']}", spec["template"]


def environment(container: Manifest) -> dict[str, str]:
    """Variables that a container gets by value."""
    return {one["name"]: one["value"] for one in container.get("env", []) if "value" in one}

"""Rendering the manifests, once for all tests, and finding one's way in them."""

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from tests.processes import BIN

ROOT = Path(__file__).parents[2] / "k8s"
OVERLAYS = ("base", "overlays/laptop", "overlays/gpu-cloud")
COMPONENTS = tuple(sorted(path.name for path in (ROOT / "components").iterdir()))
KUBECTL = str(BIN / "kubectl")

Manifest = dict[str, Any]
_copies = TemporaryDirectory()


@cache
def rendered(overlay: str) -> str:
    return render(ROOT / overlay)


def render(folder: Path) -> str:
    """What kubectl makes of a kustomization, without a word of warning."""
    answer = subprocess.run([KUBECTL, "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""
    return answer.stdout


def with_component(name: str) -> str:
    """The base with one component, as an overlay that `manifests` and the others take."""
    return with_kustomization(
        "resources: [../../base]", "namespace: caption-fleet", f"components: [../../components/{name}]"
    )


def with_kustomization(*lines: str) -> str:
    """A copy of the manifests with an overlay that holds these lines."""
    text = "\n".join(lines)
    copy = Path(_copies.name) / hashlib.sha256(text.encode()).hexdigest()[:16]
    overlay = copy / "overlays" / "own"
    if not overlay.exists():
        shutil.copytree(ROOT, copy)
        overlay.mkdir()
        (overlay / "kustomization.yaml").write_text(text)
    return str(overlay)


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


def configuration(overlay: str, container: Manifest) -> dict[str, str]:
    """Variables that a container gets from ConfigMaps and by value; what stands alone wins."""
    values: dict[str, str] = {}
    for source in container.get("envFrom", []):
        if "configMapRef" in source:
            values |= named(overlay, "ConfigMap", source["configMapRef"]["name"])["data"]
    for one in container.get("env", []):
        key = one.get("valueFrom", {}).get("configMapKeyRef")
        data = named(overlay, "ConfigMap", key["name"])["data"] if key else {}
        if key and key["key"] in data:
            values[one["name"]] = data[key["key"]]
    return values | environment(container)

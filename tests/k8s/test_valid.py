"""Every overlay renders and is valid: built-in kinds by their schema, the others by their typed models."""

import importlib
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.k8s.render import COMPONENTS, OVERLAYS, ROOT, Manifest, manifests, rendered, with_component
from tests.processes import BIN

TYPED = {
    "keda.sh/v1alpha1": "cloudcoil.models.keda.v1alpha1",
    "monitoring.coreos.com/v1": "cloudcoil.models.prometheus_operator.v1",
}


EVERYTHING = (*OVERLAYS, *(f"components/{name}" for name in COMPONENTS))


def overlay_of(name: str) -> str:
    """A component stands on the base; all else stands alone."""
    component = name.partition("components/")[2]
    return with_component(component) if component else name


def is_typed(one: Manifest) -> bool:
    return one["apiVersion"] in TYPED


@pytest.mark.parametrize("name", EVERYTHING)
def test_built_in_kinds_are_valid(name: str, tmp_path: Path) -> None:
    own = [one for one in manifests(overlay_of(name)) if not is_typed(one)]
    (tmp_path / "own.yaml").write_text(yaml.safe_dump_all(own))
    answer = subprocess.run(
        [str(BIN / "kubernetes-validate"), "--strict", str(tmp_path / "own.yaml")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = answer.stdout + answer.stderr
    assert answer.returncode == 0, said
    assert "WARN" not in said
    assert said.count("INFO") == len(own) > 12


@pytest.mark.parametrize("change", ["field", "kind"])
def test_the_validation_can_fail(change: str, tmp_path: Path) -> None:
    (worker,) = (one for one in manifests("base", "Deployment") if one["metadata"]["name"] == "worker")
    worker = worker | (
        {"kind": "Deploiment"} if change == "kind" else {"spec": worker["spec"] | {"replica": 3}}
    )
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(worker))
    answer = subprocess.run(
        [str(BIN / "kubernetes-validate"), "--strict", str(tmp_path / "bad.yaml")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode != 0 or "WARN" in answer.stdout + answer.stderr


def _custom() -> list[Manifest]:
    return [one for one in manifests("overlays/gpu-cloud") if is_typed(one)]


def test_custom_kinds_are_those_of_their_models() -> None:
    """The models drop what they do not know: what comes out must be what went in."""
    kinds = set()
    for one in _custom():
        model = getattr(importlib.import_module(TYPED[one["apiVersion"]]), one["kind"])
        known = _without_what_is_newer_than_the_models(one)
        parsed = model.model_validate(known).model_dump(mode="json", by_alias=True, exclude_unset=True)
        assert _plain(parsed) == _plain(known), one["kind"]
        kinds.add(one["kind"])
    assert kinds == {"ScaledObject", "TriggerAuthentication", "PodMonitor", "PrometheusRule"}


def _without_what_is_newer_than_the_models(one: Manifest) -> Manifest:
    """KEDA knows `fallback.behavior` since 2.17, its models do not."""
    copy = deepcopy(one)
    if copy["kind"] == "ScaledObject":
        assert copy["spec"]["fallback"].pop("behavior") in {"static", "currentReplicasIfHigher"}
    return copy


def _plain(value: Any) -> Any:
    """Without what is empty, so that two spellings of nothing are alike."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items() if item not in (None, {}, [])}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def test_no_secret_is_committed() -> None:
    for overlay in OVERLAYS:
        assert manifests(overlay, "Secret") == []
    for secret in yaml.safe_load_all((ROOT / "secret.example.yaml").read_text()):
        for name, value in secret["stringData"].items():
            assert "change-me" in value or name == "AWS_DEFAULT_REGION"


def test_everything_is_in_one_namespace() -> None:
    for overlay in OVERLAYS:
        spaces = {
            one["metadata"].get("namespace") for one in manifests(overlay) if one["kind"] != "Namespace"
        }
        assert spaces == {"caption-fleet"}
    assert "keda" not in rendered("base")

"""Every overlay renders and is valid: built-in kinds by their schema, the others by their typed models."""

import importlib
import json
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
import yaml

from tests.k8s.render import COMPONENTS, OVERLAYS, ROOT, Manifest, manifests, rendered, with_component

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


@cache
def complaint(manifest: str) -> str:
    """What the schema of its kind says against a manifest, given as JSON; most are in several overlays."""
    import kubernetes_validate as schemas  # type: ignore[import-untyped] # noqa: PLC0415 - slow to import

    try:
        schemas.validate(json.loads(manifest), schemas.latest_version(), strict=True)
    except (schemas.SchemaNotFoundError, schemas.ValidationError) as error:
        return str(error.message)
    return ""


@pytest.mark.parametrize("name", EVERYTHING)
def test_built_in_kinds_are_valid(name: str) -> None:
    own = [one for one in manifests(overlay_of(name)) if not is_typed(one)]
    assert len(own) > 12
    assert not [said for one in own if (said := complaint(json.dumps(one)))]


@pytest.mark.parametrize(
    ("change", "said"),
    [({"kind": "Deploiment"}, "find schema for kind Deploiment"), ({"spec": {"replica": 3}}, "'replica'")],
)
def test_the_validation_can_fail(change: Manifest, said: str) -> None:
    (worker,) = (one for one in manifests("base", "Deployment") if one["metadata"]["name"] == "worker")
    spec = worker["spec"] | change.get("spec", {})
    assert said in complaint(json.dumps(worker | change | {"spec": spec}))


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

"""How many workers there are, where they may run, and what an `apply` leaves alone."""

import pytest

from common.queue.kombu_queue import UNACKED
from common.queue.message import QUEUE
from tests.k8s.render import COMPONENTS, OVERLAYS, ROOT, Manifest, manifests, named, pods, with_component
from tests.k8s.render import with_kustomization as overlay_of
from tests.k8s.test_policies import may_enter

CLOUD = "overlays/gpu-cloud"
every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def spec_of(overlay: str, name: str = "worker", kind: str = "Deployment") -> Manifest:
    return dict(named(overlay, kind, name)["spec"]["template"]["spec"])


def spot_terms(overlay: str, kind: str, name: str) -> list[Manifest]:
    required = spec_of(overlay, name, kind)["affinity"]["nodeAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]
    return [one for term in required["nodeSelectorTerms"] for one in term["matchExpressions"]]


@every_overlay
def test_an_apply_resets_no_number_and_meets_no_job(overlay: str) -> None:
    """A number in the manifest undoes `kubectl scale`; a Job cannot be changed once it is there."""
    assert "replicas" not in named(overlay, "Deployment", "worker")["spec"]
    assert manifests(overlay, "Job") == []


@every_overlay
def test_nothing_is_queued_by_an_apply(overlay: str) -> None:
    suspended = {
        one["metadata"]["name"] for one in manifests(overlay, "CronJob") if one["spec"].get("suspend")
    }
    assert suspended == {"enqueue"}


@every_overlay
def test_no_budget_counts_workers_that_were_never_obtained(overlay: str) -> None:
    """A PodDisruptionBudget counts desired pods: with fewer than that, no drain would ever end."""
    assert manifests(overlay, "PodDisruptionBudget") == []


@every_overlay
def test_a_rollout_wants_no_spare_gpu(overlay: str) -> None:
    rolling = named(overlay, "Deployment", "worker")["spec"]["strategy"]["rollingUpdate"]
    assert rolling == {"maxSurge": 0, "maxUnavailable": "25%"}


@every_overlay
def test_workers_fit_nodes_of_four_cores_and_fill_nodes_of_eight_gpus(overlay: str) -> None:
    cpu = spec_of(overlay)["containers"][0]["resources"]["requests"]["cpu"]
    assert int(cpu.removesuffix("m")) <= 3500
    keys = {one["topologyKey"] for one in spec_of(overlay).get("topologySpreadConstraints", [])}
    assert "kubernetes.io/hostname" not in keys


@every_overlay
def test_a_worker_asks_for_a_name_once(overlay: str) -> None:
    assert spec_of(overlay)["dnsConfig"] == {"options": [{"name": "ndots", "value": "1"}]}


def test_spot_is_required_where_it_is_chosen_and_nowhere_else() -> None:
    assert "affinity" not in spec_of("base")
    chosen = with_component("spot")
    terms = spot_terms(chosen, "Deployment", "worker")
    assert {one["operator"] for one in terms} == {"In"}
    assert {one["key"] for one in terms} == {
        one["key"] for one in spot_terms("base", "StatefulSet", "broker")
    }
    assert "preferredDuringSchedulingIgnoredDuringExecution" not in str(spec_of(CLOUD))
    assert {one["key"] for one in spec_of(chosen)["tolerations"]} >= {"nvidia.com/gpu"}
    assert spec_of(CLOUD)["tolerations"] == spec_of(chosen)["tolerations"]


@every_overlay
def test_the_broker_is_never_on_a_spot_node(overlay: str) -> None:
    assert {one["operator"] for one in spot_terms(overlay, "StatefulSet", "broker")} == {"NotIn"}


def test_the_broker_keeps_what_it_is_given() -> None:
    config = named("base", "ConfigMap", "broker")["data"]["valkey.conf"]
    assert "appendonly yes" in config
    assert "maxmemory-policy noeviction" in config
    assert "maxmemory 2gb" in config
    memory = spec_of("base", "broker", "StatefulSet")["containers"][0]["resources"]
    assert memory["requests"]["memory"] == "3Gi"


def test_keda_asks_for_the_lists_that_there_are() -> None:
    triggers = named(CLOUD, "ScaledObject", "worker")["spec"]["triggers"]
    assert {trigger["metadata"]["listName"] for trigger in triggers} == {QUEUE, UNACKED}


def test_keda_reaches_the_broker_and_nothing_else() -> None:
    for name, template in pods(CLOUD):
        labels = template["metadata"]["labels"]
        assert may_enter(CLOUD, labels, namespace="keda", port=6379) == (name == "StatefulSet broker"), name
        assert not may_enter(CLOUD, labels, namespace="default", port=6379)
    broker = named("base", "StatefulSet", "broker")["spec"]["template"]["metadata"]["labels"]
    assert not may_enter("base", broker, namespace="keda", port=6379)


def test_without_an_answer_of_the_broker_keda_takes_no_worker_away() -> None:
    fallback = named(CLOUD, "ScaledObject", "worker")["spec"]["fallback"]
    assert fallback["behavior"] == "currentReplicasIfHigher"
    assert fallback["replicas"] >= 1


REPLACEMENT = """
replacements:
  - source: {kind: Namespace, fieldPath: metadata.name}
    targets:
      - select: {kind: ScaledObject}
        fieldPaths: [spec.triggers.*.metadata.address]
        options: {delimiter: ., index: 1}"""


def test_a_second_fleet_has_a_broker_of_its_own() -> None:
    second = overlay_of("namespace: second", "resources: [../gpu-cloud]", REPLACEMENT)
    spaces = {one["metadata"].get("namespace") for one in manifests(second) if one["kind"] != "Namespace"}
    assert spaces == {"second"}
    assert [one["metadata"]["name"] for one in manifests(second, "Namespace")] == ["second"]
    triggers = named(second, "ScaledObject", "worker")["spec"]["triggers"]
    assert {one["metadata"]["address"] for one in triggers} == {"broker.second.svc:6379"}


def test_a_second_run_has_jobs_of_its_own() -> None:
    config = "{apiVersion: v1, kind: ConfigMap, metadata: {name: run}, data: {RUN: s3://b/runs/2, PARTS: p}}"
    second = overlay_of(
        "namespace: caption-fleet",
        "nameSuffix: -again",
        "resources: [../../run]",
        f"patches: [{{patch: '{config}'}}]",
    )
    assert [one["metadata"]["name"] for one in manifests(second, "CronJob")] == [
        "enqueue-again",
        "requeue-again",
    ]
    for _, template in pods(second):
        only = template["spec"]["containers"][0]
        (output,) = (one for one in only["env"] if one["name"] == "FLEET_OUTPUT")
        assert output["valueFrom"]["configMapKeyRef"]["name"] == "run-again"
        assert {"configMapRef": {"name": "fleet"}} in only["envFrom"]


def test_an_external_redis_needs_no_patch() -> None:
    external = overlay_of(
        "resources: [../../base]",
        "namespace: caption-fleet",
        "components: [../../components/keda, ../../components/external-redis]",
    )
    for kind in ("StatefulSet", "Service"):
        assert manifests(external, kind) == []
    triggers = named(external, "ScaledObject", "worker")["spec"]["triggers"]
    assert {one["metadata"]["address"] for one in triggers} == {"redis.example.internal:6379"}
    clients = [template for _, template in pods(external) if "FLEET_BROKER_URL" in str(template)]
    assert len(clients) == 5
    for template in clients:
        (url,) = (
            one for one in template["spec"]["containers"][0]["env"] if one["name"] == "FLEET_BROKER_URL"
        )
        assert url["valueFrom"] == {"secretKeyRef": {"name": "fleet", "key": "broker-url"}}


def test_models_come_in_the_image_or_from_a_volume() -> None:
    assert manifests("base", "PersistentVolumeClaim") == []
    volume = with_component("models-volume")
    assert named(volume, "PersistentVolumeClaim", "models")["spec"]["accessModes"] == ["ReadWriteMany"]
    mounts = spec_of(volume)["containers"][0]["volumeMounts"]
    assert {"name": "models", "mountPath": "/models", "readOnly": True} in mounts
    assert named(volume, "CronJob", "prefetch")["spec"]["suspend"] is True


def test_every_component_is_offered_by_the_cloud() -> None:
    text = (ROOT / CLOUD / "kustomization.yaml").read_text()
    assert all(f"../../components/{name}" in text for name in COMPONENTS)

"""What every pod promises: no root, no token, bounded memory, an end in time, probes that cost nothing."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from common import __version__
from common.console.cli import load_settings
from common.queue.broker import UNACKED
from common.queue.message import QUEUE
from common.settings import Settings
from tests.k8s.render import OVERLAYS, Manifest, environment, manifests, named, pods

OURS = "caption-fleet"
every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def container(template: Manifest) -> Manifest:
    (only,) = template["spec"]["containers"]
    return dict(only)


def worker_of(overlay: str) -> Manifest:
    return dict(named(overlay, "Deployment", "worker")["spec"]["template"])


@every_overlay
def test_nobody_is_root_or_may_become_it(overlay: str) -> None:
    for name, template in pods(overlay):
        spec, only = template["spec"], container(template)
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] >= 10000, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert only["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name


@every_overlay
def test_nobody_holds_a_token_of_the_cluster(overlay: str) -> None:
    accounts = {one["metadata"]["name"]: one for one in manifests(overlay, "ServiceAccount")}
    for name, template in pods(overlay):
        assert template["spec"]["automountServiceAccountToken"] is False, name
        assert accounts[template["spec"]["serviceAccountName"]]["automountServiceAccountToken"] is False
    assert not manifests(overlay, "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")


@every_overlay
def test_no_variables_for_services(overlay: str) -> None:
    assert all(template["spec"]["enableServiceLinks"] is False for _, template in pods(overlay))


@every_overlay
def test_resources_are_asked_for_and_bounded(overlay: str) -> None:
    for name, template in pods(overlay):
        resources = container(template)["resources"]
        assert {"cpu", "memory"} <= resources["requests"].keys(), name
        assert "memory" in resources["limits"], name
        for volume in template["spec"].get("volumes", []):
            assert "sizeLimit" in volume.get("emptyDir", {"sizeLimit": ""}), name


@every_overlay
def test_images_have_a_version_and_commands_are_in_exec_form(overlay: str) -> None:
    for name, template in pods(overlay):
        only = container(template)
        assert ":" in only["image"], name
        assert not only["image"].endswith(":latest"), name
        if only["image"].startswith(OURS):
            assert only["image"].endswith(f":{__version__}"), name
        assert isinstance(only["command"], list), name
        assert only["command"][0] not in ("sh", "bash"), name


@every_overlay
def test_only_volumes_are_written_to(overlay: str) -> None:
    for name, template in pods(overlay):
        mounts = {mount["mountPath"] for mount in container(template).get("volumeMounts", [])}
        if container(template)["image"].startswith(OURS) and "queue-metrics" not in name:
            assert "/tmp" in mounts, name


@every_overlay
def test_a_worker_has_time_to_put_its_batch_back(overlay: str) -> None:
    template = worker_of(overlay)
    grace = int(environment(container(template))["FLEET_LEASE_GRACE"])
    assert template["spec"]["terminationGracePeriodSeconds"] >= grace + 10
    assert container(template)["command"] == ["celery", "-A", "workers", "worker"]


@every_overlay
def test_settings_are_settings(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every variable that begins with FLEET_ is known and holds something possible."""
    config = named(overlay, "ConfigMap", "fleet")["data"]
    for _, template in pods(overlay):
        only = container(template)
        with monkeypatch.context() as patch:
            for name, value in {**config, **environment(only)}.items():
                patch.setenv(name, value)
            settings = load_settings()
        if "worker" in only["image"] and only["command"][0] == "celery":
            _worker_settings(settings, template)


def _worker_settings(settings: Settings, template: Manifest) -> None:
    mounts = {mount["mountPath"] for mount in container(template)["volumeMounts"]}
    assert settings.health.folder in mounts
    if settings.models_lock is not None:
        assert str(Path(settings.models_lock).parent) in mounts
    ports = {port["containerPort"] for port in container(template).get("ports", [])}
    assert ports == ({settings.metrics.port} if settings.metrics.port else set())


@every_overlay
def test_passwords_come_from_the_secret(overlay: str) -> None:
    for name, template in pods(overlay):
        variables = {one["name"]: one for one in container(template).get("env", [])}
        for variable in ("BROKER_PASSWORD", "FLOWER_BASIC_AUTH", "REDISCLI_AUTH"):
            if variable in variables:
                assert variables[variable]["valueFrom"]["secretKeyRef"]["name"] == "fleet", name
        if "FLEET_BROKER_URL" in variables:
            assert ":$(BROKER_PASSWORD)@" in variables["FLEET_BROKER_URL"]["value"]
            assert list(variables).index("BROKER_PASSWORD") < list(variables).index("FLEET_BROKER_URL")


def test_flower_wants_its_password() -> None:
    (flower,) = (template for name, template in pods("base") if name == "Deployment flower")
    assert {"FLOWER_BASIC_AUTH"} <= {one["name"] for one in container(flower)["env"]}


def test_the_broker_keeps_what_it_is_given() -> None:
    config = named("base", "ConfigMap", "broker")["data"]["valkey.conf"]
    assert "appendonly yes" in config
    assert "maxmemory-policy noeviction" in config


@pytest.mark.parametrize(("probe", "file"), [("livenessProbe", "alive"), ("readinessProbe", "ready")])
def test_probes_look_at_files(probe: str, file: str, tmp_path: Path) -> None:
    """The very commands of the manifest, with their folder moved here."""
    folder = next(value for name, value in environment(container(worker_of("base"))).items()
                  if name == "FLEET_HEALTH_FOLDER")  # fmt: skip
    words = container(worker_of("base"))[probe]["exec"]["command"]
    command = [word.replace(folder, str(tmp_path)) for word in words]
    assert command != words
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0
    (tmp_path / file).touch()
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    if probe == "livenessProbe":
        os.utime(tmp_path / file, (time.time() - 300,) * 2)
        assert subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_a_gpu_each_in_the_cloud_and_none_on_a_laptop() -> None:
    gpus = [
        container(worker_of(overlay))["resources"]["limits"].get("nvidia.com/gpu") for overlay in OVERLAYS
    ]
    assert gpus == [1, None, 1]


def test_where_keda_scales_nobody_else_does() -> None:
    assert named("base", "Deployment", "worker")["spec"]["replicas"] == 1
    assert "replicas" not in named("overlays/gpu-cloud", "Deployment", "worker")["spec"]


def test_keda_counts_what_waits_and_what_runs() -> None:
    spec = named("overlays/gpu-cloud", "ScaledObject", "worker")["spec"]
    assert {trigger["name"]: trigger["metadata"]["listName"] for trigger in spec["triggers"]} == {
        "queued": QUEUE,
        "running": UNACKED,
    }
    assert spec["advanced"]["scalingModifiers"]["formula"] == "queued + running"
    assert spec["scaleTargetRef"]["name"] == "worker"


def test_the_cloud_wants_a_contact() -> None:
    (contact,) = (one for one in container(worker_of("overlays/gpu-cloud"))["env"]
                  if one["name"] == "FLEET_FETCH_CONTACT")  # fmt: skip
    key = contact["valueFrom"]["configMapKeyRef"]
    assert key["name"] == "fleet"
    assert not key.get("optional")
    assert key["key"] not in named("overlays/gpu-cloud", "ConfigMap", "fleet")["data"]


@every_overlay
def test_workers_spread_and_are_not_all_evicted_at_once(overlay: str) -> None:
    budget = named(overlay, "PodDisruptionBudget", "worker")["spec"]
    labels = worker_of(overlay)["metadata"]["labels"]
    assert budget["selector"]["matchLabels"].items() <= labels.items()
    assert budget["maxUnavailable"] == "25%"
    assert all(
        spread["labelSelector"]["matchLabels"].items() <= labels.items()
        for spread in worker_of(overlay)["spec"]["topologySpreadConstraints"]
    )

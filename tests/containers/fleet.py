"""A fleet of containers on a network of their own, from the rendered pods of an overlay."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.trial import Trial, write_trial
from tests.containers.engine import ContainerError, inspect, podman
from tests.containers.pod import Cluster, image_and_command, options
from tests.containers.probes import PROBER, tail, wait_until_well

NETWORK, SUBNET = "fleet-trial", "10.213.77"
HOSTS = {"broker": f"{SUBNET}.10", "pictures": f"{SUBNET}.11"}
PASSWORD = "a-trial"
SECRETS = {
    "fleet": {
        "broker-password": PASSWORD,
        "broker-url": f"redis://:{PASSWORD}@broker:6379/0",
        "flower-user": f"operator:{PASSWORD}",
    }
}
VOLUMES = ("fleet-broker", "fleet-output")


@dataclass(frozen=True, slots=True)
class Running:
    """A container that stands for a pod.

    Args:
        container: as it was rendered.
        started: by the monotonic clock.
    """

    name: str
    address: str
    container: dict[str, Any]
    started: float

    def wait(self, probe: str = "readinessProbe", seconds: float = 120) -> float:
        """Wait for a probe; returns the seconds since the start."""
        wait_until_well(self.name, self.address, self.container, probe, seconds)
        return round(time.monotonic() - self.started, 1)

    def stop(self) -> tuple[float, int]:
        """SIGTERM, and SIGKILL after the pod's grace; returns seconds and exit code."""
        began = time.monotonic()
        podman("stop", self.name)
        return round(time.monotonic() - began, 1), int(inspect(self.name, "{{.State.ExitCode}}"))

    def kill(self) -> None:
        podman("kill", "--signal", "KILL", self.name)


class Fleet:
    """Starts pods as containers, on addresses of its network."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._last = 20

    def start(self, kind: str, name: str, own_name: str = "") -> Running:
        """Start the pod of an object, under the object's name or its own."""
        pod = self.cluster.template(kind, name)
        address, started = HOSTS.get(name) or self._address(), time.monotonic()
        podman("run", "--detach", "--name", own_name or name, *self._words(pod, address))
        return Running(own_name or name, address, pod["containers"][0], started)

    def run_job(self, name: str) -> str:
        """Run the pod of a CronJob to its end; returns its output.

        Raises:
            ContainerError: it ended with another code than 0.
        """
        pod = self.cluster.template("CronJob", name)
        return podman("run", "--rm", "--name", name, *self._words(pod, self._address())).stdout

    def ask(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in the toolbox, which is the prober too."""
        return podman("exec", PROBER, *words, check=False)

    def _words(self, pod: dict[str, Any], address: str) -> list[str]:
        place = ["--network", NETWORK, "--ip", address]
        return [*place, *options(self.cluster, pod), *image_and_command(self.cluster, pod)]

    def _address(self) -> str:
        self._last += 1
        return f"{SUBNET}.{self._last}"


@contextmanager
def fleet(trial: Trial) -> Iterator[Fleet]:
    """A network, volumes and rendered pods; all of it is gone at the end."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)  # the containers' user reads its ConfigMaps
        _remove()
        podman("network", "create", "--internal", "--disable-dns", "--subnet", f"{SUBNET}.0/24", NETWORK)
        try:
            yield Fleet(Cluster(_render(trial, folder), SECRETS, HOSTS, folder / "files"))
        except ContainerError:
            _print_logs()
            raise
        finally:
            _remove()


def _render(trial: Trial, folder: Path) -> tuple[dict[str, Any], ...]:
    kubectl = Path(sys.executable).parent / "kubectl"
    answer = subprocess.run(
        [kubectl, "kustomize", str(write_trial(trial, folder))], capture_output=True, text=True, check=True
    )
    return tuple(yaml.load_all(answer.stdout, yaml.CSafeLoader))


def _containers() -> list[str]:
    return podman("ps", "--all", "--format", "{{.Names}}", "--filter", f"network={NETWORK}").stdout.split()


def _print_logs() -> None:
    for name in _containers():
        print(f"--- {name}\n{tail(name)}", file=sys.stderr)


def _remove() -> None:
    for name in _containers():
        podman("rm", "--force", "--time", "1", name, check=False)
    podman("network", "rm", "--force", NETWORK, check=False)
    for volume in VOLUMES:
        podman("volume", "rm", "--force", volume, check=False)

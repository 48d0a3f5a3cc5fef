"""Probes by hand, and questions over HTTP, from a container: this machine is not in the fleet's network."""

import time
from typing import Any

from tests.containers.engine import ContainerError, inspect, podman

PROBER = "toolbox"
ASK = """
import socket, sys, urllib.error, urllib.request
host, port, path, *authorization = sys.argv[1:]
if not path:
    socket.create_connection((host, int(port)), timeout=2)
    sys.exit(print(200))
headers = {'Authorization': authorization[0]} if authorization else {}
try:
    request = urllib.request.Request(f'http://{host}:{port}{path}', headers=headers)
    answer = urllib.request.urlopen(request, timeout=20)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status)
print(answer.read().decode())
"""


def ask(address: str, port: int, path: str, *authorization: str) -> tuple[int, str]:
    """Status and body of a GET; without a path, 200 for an open port. Status 0 where nobody answers."""
    answer = podman("exec", PROBER, "python", "-c", ASK, address, port, path, *authorization, check=False)
    if answer.returncode:
        return 0, answer.stderr
    status, _, body = answer.stdout.partition("\n")
    return int(status), body


def is_well(name: str, address: str, container: dict[str, Any], probe: str) -> bool:
    """Whether a probe of a rendered container succeeds now."""
    asked = container[probe]
    if "exec" in asked:
        return podman("exec", name, *asked["exec"]["command"], check=False).returncode == 0
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    action = asked.get("httpGet") or asked["tcpSocket"]
    return ask(address, ports[action["port"]], action.get("path", ""))[0] == 200


def wait_until_well(name: str, address: str, container: dict[str, Any], probe: str, seconds: float) -> None:
    """Wait for a probe.

    Raises:
        ContainerError: the container ended, or the time is over.
    """
    began = time.monotonic()
    while not is_well(name, address, container, probe):
        if inspect(name, "{{.State.Running}}") != "true" or time.monotonic() - began > seconds:
            raise ContainerError(f"{name}: no {probe} after {seconds:.0f} s\n{tail(name)}")
        time.sleep(0.2)


def tail(name: str, lines: int = 20) -> str:
    """The last words of a container."""
    answer = podman("logs", "--tail", lines, name, check=False)
    return answer.stdout + answer.stderr

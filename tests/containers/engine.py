"""podman, with the settings that a plain machine needs."""

import os
import subprocess
from pathlib import Path

CONFIGURATION = Path(__file__).parent / "containers.conf"
PROGRAMS = ("podman", "runc", "debootstrap")
PATIENCE = 600.0
"""Seconds for one command on a machine with much else to do."""
INIT = Path("/usr/libexec/podman/catatonit")
INSTALL = "apt install podman runc catatonit debootstrap"


class ContainerError(Exception):
    """A container or the engine failed."""


def podman(
    *words: object, check: bool = True, timeout: float = PATIENCE
) -> "subprocess.CompletedProcess[str]":
    """Run one command of podman.

    Raises:
        ContainerError: it failed and `check` is set, or it took too long.
    """
    try:
        answer = subprocess.run(
            ["podman", *map(str, words)],
            env={**os.environ, "CONTAINERS_CONF": str(CONFIGURATION)},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ContainerError(f"podman {words[0]} ...: no end after {timeout:.0f} s") from error
    if check and answer.returncode:
        last = (answer.stderr.strip() or answer.stdout.strip()).splitlines()[-20:]
        raise ContainerError(f"podman {' '.join(map(str, words[:3]))} ...: " + "\n".join(last))
    return answer


def inspect(name: str, form: str) -> str:
    """One value of a container or image, in podman's template form."""
    return podman("inspect", "--format", form, name).stdout.strip()

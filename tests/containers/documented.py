"""`python -m tests.containers.documented`: run every command of docs/deploy.md, or say why it cannot be.

In a copy of the checkout, with podman and the base of `make containers` where docker does not answer.
Commands of kubectl run only where KUBECONFIG names a cluster: they install the fleet there.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.kubectl import KUBECTL, has_cluster
from tests.containers.engine import CONFIGURATION
from tests.containers.images import BASE, CERTIFICATES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "deploy.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NEEDS = (
    (r"docker push", "needs a registry of yours"),
    (r"models\.prefetch", "downloads the models from the hub"),
    (r"\bNODE\b", "NODE is a node of yours"),
    (r"port-forward", "goes on until somebody stops it"),
    (r"edit-last-applied", "opens an editor"),
)
"""What no machine of a test has."""
SHIM = f"""#!/bin/sh
export CONTAINERS_CONF={CONFIGURATION}
if [ "$1" = build ]; then
    shift
    exec podman build --pull-never --network host --isolation chroot --volume {CERTIFICATES} \\
        --build-arg PYTHON_IMAGE={BASE} "$@"
fi
exec podman "$@"
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command: `reason` is why it was not run, or how it failed."""

    command: str
    was_run: bool
    reason: str = ""


def blocks(page: str) -> list[list[str]]:
    """The commands of each block of the page; one may be several lines."""
    return [list(_commands(block)) for block in BLOCK.findall(page)]


def _commands(block: str) -> Iterator[str]:
    pending = ""
    for line in block.splitlines():
        pending += f"{line}\n"
        if not line.endswith("\\") and _is_whole(pending):
            yield pending.strip()
            pending = ""
    if pending:
        raise ValueError(f"no whole command: {pending}")


def _is_whole(text: str) -> bool:
    return (
        bool(text.strip())
        and subprocess.run(["bash", "-n", "-c", text], stderr=subprocess.DEVNULL, check=False).returncode == 0
    )


def why_not(command: str, *, cluster: bool, engine: bool) -> str:
    """Why a command cannot be run here; empty where it can."""
    for pattern, reason in NEEDS:
        if re.search(pattern, command):
            return reason
    if re.search(r"^\s*kubectl\b", command, re.MULTILINE) and not cluster:
        return "no cluster answers"
    if re.search(r"\bdocker\b", command) and not engine:
        return "neither docker nor podman"
    return ""


def run_block(
    commands: list[str], environment: Mapping[str, str], folder: Path, *, cluster: bool
) -> list[Outcome]:
    """Run the commands of a block in one shell: a later line may use variables of an earlier one."""
    engine = bool(shutil.which("docker", path=environment["PATH"]))
    reasons = {command: why_not(command, cluster=cluster, engine=engine) for command in commands}
    able = [command for command in commands if not reasons[command]]
    ended, error = _run_in_one_shell(able, environment, folder)
    reasons |= {command: error if place == ended else "an earlier command failed"
                for place, command in enumerate(able) if place >= ended}  # fmt: skip
    return [Outcome(command, command in able[: ended + 1], reasons[command]) for command in commands]


def _run_in_one_shell(commands: list[str], environment: Mapping[str, str], folder: Path) -> tuple[int, str]:
    """Run commands until one fails; returns the number that ended well, and the output of the next."""
    progress = folder / ".progress"
    progress.write_text("")
    script = "".join(f"{command}\necho >> '{progress}'\n" for command in commands)
    answer = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder,
                            env=dict(environment), capture_output=True, text=True, check=False)  # fmt: skip
    return progress.read_text().count("\n"), answer.stderr.strip()[-400:] or f"exit code {answer.returncode}"


def main() -> int:
    """Print both lists; returns 1 where a command failed."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "checkout"
        shutil.copytree(
            ROOT, folder, ignore=shutil.ignore_patterns(".*cache", ".venv", ".tools", ".git", "output")
        )
        environment = {**os.environ, "PATH": _path(Path(temporary)), "REGISTRY": "localhost/registry"}
        cluster = has_cluster()
        outcomes = [
            outcome
            for commands in blocks(PAGE.read_text())
            for outcome in run_block(commands, environment, folder, cluster=cluster)
        ]
    _report("run", [one for one in outcomes if one.was_run])
    _report("not run", [one for one in outcomes if not one.was_run])
    return int(any(one.was_run and one.reason for one in outcomes))


def _path(folder: Path) -> str:
    """This project's kubectl first, and a stand-in for docker where podman is and docker does not answer."""
    own = folder / "bin"
    own.mkdir()
    (own / "kubectl").symlink_to(KUBECTL)
    if shutil.which("podman") and not _docker_answers():
        (own / "docker").write_text(SHIM)
        (own / "docker").chmod(0o755)
    return f"{own}:{os.environ['PATH']}"


def _docker_answers() -> bool:
    return (
        bool(shutil.which("docker"))
        and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0
    )


def _report(title: str, outcomes: list[Outcome]) -> None:
    print(f"{title}: {len(outcomes)}")
    for one in outcomes:
        first = re.sub(r"\s+", " ", one.command)
        print(f"  {first[:100]}{' -- ' + one.reason if one.reason else ''}")


if __name__ == "__main__":
    sys.exit(main())

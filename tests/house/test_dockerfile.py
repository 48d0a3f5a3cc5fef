"""The Dockerfiles: linted, hashed locks only, nobody is root, nothing is fetched when a container starts."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.processes import BIN

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text()
MODELS = (ROOT / "Dockerfile.models").read_text()
STAGES = {
    stage.split()[-1]: body
    for stage, body in re.findall(r"^FROM (.+)\n((?:(?!FROM ).*\n)*)", TEXT, re.MULTILINE)
}


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.models"])
def test_hadolint_has_nothing_to_say(name: str) -> None:
    answer = subprocess.run([BIN / "hadolint", str(ROOT / name)], capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout) == (0, ""), answer.stdout


def test_everything_is_installed_by_hash() -> None:
    for line in re.findall(r"pip install .*", TEXT):
        assert "--require-hashes" in line or re.search(r"--no-deps --no-index .*/wheel/", line), line
    for lock in re.findall(r"requirements[\w-]*\.lock", TEXT):
        assert "--hash=sha256:" in (ROOT / lock).read_text()
    assert "--no-build-isolation" in STAGES["wheel"]


def test_make_installs_its_installer_by_hash() -> None:
    (line,) = re.findall(r"\.tools/bin/pip install .*", (ROOT / "Makefile").read_text())
    assert "--require-hashes --requirement requirements-tools.lock" in line
    lock = (ROOT / "requirements-tools.lock").read_text()
    assert re.findall(r"^(\w+)==", lock, re.MULTILINE) == ["uv"]
    assert lock.count("--hash=sha256:") > 10


def test_what_runs_is_nobody_and_in_exec_form() -> None:
    assert "USER 10001:10001" in STAGES["runtime"]
    for target in ("lean", "worker"):
        assert f"FROM runtime AS {target}\n" in TEXT
        assert "USER" not in STAGES[target]
        assert "RUN" not in STAGES[target]
        assert re.search(r"^CMD \[", STAGES[target], re.MULTILINE)


def test_the_base_is_one_image_by_digest() -> None:
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.\d+-slim-\w+@sha256:[0-9a-f]{64}$", TEXT, re.MULTILINE)
    bases = set(re.findall(r"^FROM (\S+)", TEXT, re.MULTILINE))
    assert bases == {"${PYTHON_IMAGE}", "environment", "runtime"}


def test_the_gpu_is_asked_for_by_name() -> None:
    assert "FLEET_DEVICE=cuda" in STAGES["worker"]
    assert "FLEET_DEVICE" not in STAGES["lean"] + STAGES["runtime"]


def test_process_1_is_an_init() -> None:
    """Without one, a SIGTERM that comes while Python imports is lost: process 1 has no default for it."""
    assert 'ENTRYPOINT ["tini", "--"]' in STAGES["runtime"]
    assert not any("ENTRYPOINT" in STAGES[target] for target in ("lean", "worker"))


def test_a_change_of_code_changes_only_the_last_layer() -> None:
    for target in ("lean", "worker"):
        layers = re.findall(r"^COPY .*", STAGES[target], re.MULTILINE)
        assert layers == [
            f"COPY --from={target}-environment /opt/fleet /opt/fleet",
            "COPY --from=application /application /opt/fleet",
        ]
        assert "wheel" not in STAGES[f"{target}-environment"]


def test_models_lie_on_top_of_the_workers_image() -> None:
    assert "FROM ${WORKER_IMAGE}" in MODELS
    assert "COPY . /models" in MODELS
    assert "FLEET_MODELS_LOCK=/models/fleet-models.json" in MODELS
    assert "HF_HOME=/models" in STAGES["worker"]


def test_a_worker_never_downloads_a_model() -> None:
    assert "HF_HUB_OFFLINE=1" in STAGES["worker"]


def test_the_context_holds_what_is_copied_and_no_more() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", TEXT, re.MULTILINE) for word in line.split()
    }
    assert {name if not name.startswith("requirements") else "requirements*.lock" for name in copied} == kept
    assert all(any(ROOT.glob(name)) for name in kept)

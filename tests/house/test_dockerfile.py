"""The Dockerfile: linted, hashed locks only, nobody is root, nothing is fetched when a container starts."""

import re
import subprocess
from pathlib import Path

from tests.processes import BIN

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text()
STAGES = {
    stage.split()[-1]: body
    for stage, body in re.findall(r"^FROM (.+)\n((?:(?!FROM ).*\n)*)", TEXT, re.MULTILINE)
}


def test_hadolint_has_nothing_to_say() -> None:
    answer = subprocess.run(
        [BIN / "hadolint", str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stdout) == (0, ""), answer.stdout


def test_everything_is_installed_by_hash() -> None:
    for line in re.findall(r"pip install .*", TEXT):
        assert "--require-hashes" in line or "--no-deps /wheel/" in line, line
    for lock in re.findall(r"requirements[\w-]*\.lock", TEXT):
        assert "--hash=sha256:" in (ROOT / lock).read_text()
    assert "--no-build-isolation" in STAGES["wheel"]


def test_what_runs_is_nobody_and_in_exec_form() -> None:
    assert "USER 10001:10001" in STAGES["runtime"]
    for target in ("lean", "worker"):
        assert f"FROM runtime AS {target}\n" in TEXT
        assert "USER" not in STAGES[target]
        assert "RUN" not in STAGES[target]
        assert re.search(r"^CMD \[", STAGES[target], re.MULTILINE)


def test_a_worker_never_downloads_a_model() -> None:
    assert "HF_HUB_OFFLINE=1" in STAGES["worker"]


def test_the_context_holds_what_is_copied_and_no_more() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", TEXT, re.MULTILINE) for word in line.split()
    }
    assert {name if not name.startswith("requirements") else "requirements*.lock" for name in copied} == kept
    assert all(any(ROOT.glob(name)) for name in kept)

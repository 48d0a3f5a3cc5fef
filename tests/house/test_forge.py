"""What forges and citation tools read: valid by their schemas, and true."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]
WORKFLOW = ".github/workflows/ci.yml"
ACTIONS = r"(actions/[\w-]+|sigstore/cosign-installer|anchore/sbom-action)"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WORKFLOWS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / ".github" / "workflows").iterdir())
SCHEMAS = {
    **dict.fromkeys(WORKFLOWS, "vendor.github-workflows"),
    "CITATION.cff": "vendor.citation-file-format",
    "compose.yaml": "vendor.compose-spec",
}


def load(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text())


@pytest.mark.parametrize("name", SCHEMAS)
def test_it_is_what_its_specification_allows(name: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", SCHEMAS[name], str(ROOT / name)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_citation_is_of_this_version() -> None:
    citation = load("CITATION.cff")
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert not {"url", "repository", "repository-code", "doi"} & citation.keys()


def test_the_workflow_runs_the_two_commands_on_pythons_that_the_lock_supports() -> None:
    (job,) = load(WORKFLOW)["jobs"].values()
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert commands == re.findall(r"^(make \w+) ", (ROOT / "README.md").read_text(), re.MULTILINE)
    supported = SpecifierSet(PROJECT["requires-python"])
    versions = [version for version in (f"3.{minor}" for minor in range(99)) if version in supported]
    assert job["strategy"]["matrix"]["python"] == [versions[0], versions[-1]]
    assert f"Python {versions[0]} to {versions[-1]}" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflows_may_write_nothing_and_run_pinned_actions(name: str) -> None:
    assert load(name)["permissions"] == {"contents": "read"}
    for line in re.findall(r"uses: (.*)", (ROOT / name).read_text()):
        assert re.fullmatch(rf"{ACTIONS}@[0-9a-f]{{40}} # v\d+\.\d+\.\d+", line), line


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_expression_stands_in_a_command(name: str) -> None:
    """What is pasted into a shell may hold commands: a branch's name, too."""
    for job in load(name)["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), step["run"]


def test_images_go_where_the_repository_says_and_are_signed() -> None:
    text = (ROOT / ".github/workflows/images.yml").read_text()
    jobs = load(".github/workflows/images.yml")["jobs"]
    for variable in ("REGISTRY", "IMAGE_OWNER", "IMAGE_NAME"):
        assert f"vars.{variable} != ''" in jobs["build"]["if"]
    assert not re.search(r"\b(ghcr|quay|docker|gcr)\.io\b", text)
    targets = re.findall(r"^FROM runtime AS (\w+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert all(job["strategy"]["matrix"]["target"] == targets for job in jobs.values())
    for word in ("cosign sign", "cosign attest", "cyclonedx", "imagetools create"):
        assert word in text
    assert jobs["publish"]["permissions"] == {"contents": "read", "id-token": "write"}
    assert "permissions" not in jobs["build"]


def test_security_says_how_to_report_in_private() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    assert "private vulnerability reporting" in text
    assert "](SECURITY.md)" in (ROOT / "README.md").read_text()

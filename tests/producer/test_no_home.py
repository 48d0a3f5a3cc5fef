"""`~nosuchuser`, no HOME, and a uid without a passwd entry (OpenShift, `docker run -u 12345`)."""

import os
from pathlib import Path

import pytest

from producer.cli import main
from tests.processes import run, run_here
from tests.samples import write_part
from tests.servers.seaweed import Seaweed
from tests.servers.valkey import Valkey


@pytest.fixture
def homeless(outside: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a part; neither this process nor its children find HOME, or a passwd entry."""

    def unknown(*_: object) -> None:
        raise KeyError("uid not found")

    stand_in = outside / "site" / "sitecustomize.py"
    stand_in.parent.mkdir()
    stand_in.write_text(
        "import pwd\ndef _unknown(*_):\n    raise KeyError('uid not found')\npwd.getpwuid = _unknown\n"
    )
    monkeypatch.setattr("pwd.getpwuid", unknown)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(stand_in.parent), os.environ["PYTHONPATH"]]))
    monkeypatch.setenv("FLEET_MODELS", "fake")
    monkeypatch.setenv("FLEET_FETCH_CONTACT", "https://example.org/test")
    for name in ("HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    write_part(outside / "part.parquet", 6)
    return outside


@pytest.mark.parametrize("uri", ["~nosuchuser/run", "~/run", "file://~/run"])
def test_an_output_below_no_home(uri: str, homeless: Path) -> None:
    answer = run_here(main, "status", "--output", uri, environment={})
    assert (answer.returncode, answer.stdout) == (2, "")
    assert (
        answer.stderr
        == f"error: {uri.removeprefix('file://')}: there is no such home folder; write the path without ~\n"
    )


def test_a_part_below_no_home(homeless: Path, broker: Valkey) -> None:
    environment = {"FLEET_BROKER_URL": broker.url}
    command = ("enqueue", "~nosuchuser/*.parquet", "--output", "run")
    answer = run_here(main, *command, environment=environment)
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: ~nosuchuser/*.parquet: there is no such home folder")
    assert answer.stderr.count("\n") == 1


def test_a_local_run_into_a_folder_needs_no_home(homeless: Path) -> None:
    answer = run("producer", "local", "part.parquet", "--output", "run")
    assert answer.returncode == 0, answer.stderr


def test_a_local_run_into_a_bucket_says_which_variable(homeless: Path, s3_environment: Seaweed) -> None:
    s3_environment.bucket("homeless")
    command = ("producer", "local", "part.parquet", "--output", "s3://homeless/run")
    answer = run(*command)
    complaints = [line for line in answer.stderr.splitlines() if not line.startswith("{")]
    assert answer.returncode == 2, answer.stderr
    assert len(complaints) == 1
    assert "XDG_STATE_HOME" in complaints[0]
    answer = run(*command, environment={"XDG_STATE_HOME": str(homeless / "state")})
    assert answer.returncode == 0, answer.stderr

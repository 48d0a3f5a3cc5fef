"""Environment variables as env files write them: understood, or refused in one line without their value."""

import sys
from pathlib import Path

import pytest

from common.console.cli import load_settings
from common.errors import FleetError
from producer.cli import main as producer
from tests.processes import run, run_here


@pytest.fixture(autouse=True)
def _fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_MODELS", "fake")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("FLEET_FETCH_TIMEOT", "FLEET_FETCH_TIMEOUT"),
        ("fleet_fetch_timeot", "FLEET_FETCH_TIMEOUT"),
        ("FLEET_OUTPTU", "FLEET_OUTPUT"),
        ("FLEET_BROKER", "FLEET_BROKER_URL"),
        ("FLEET_CONCURRENCY", "FLEET_FETCH_CONCURRENCY"),
        ("FLEET_SAMPLING_TOPP", "FLEET_SAMPLING_TOP_P"),
        ("FLEET_S3_ENDPOINT", "FLEET_S3_ENDPOINT_URL"),
        ("FLEET_OUTPUT ", "FLEET_OUTPUT"),
        ("\ufeffFLEET_OUTPUT", "FLEET_OUTPUT"),  # the first name of a file that Windows wrote
        ('"FLEET_OUTPUT', "FLEET_OUTPUT"),
    ],
)
def test_a_misspelt_name_is_told_the_right_one(
    name: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "3")
    with pytest.raises(FleetError, match=rf"no such setting; did you mean {meant}\?"):
        load_settings()


@pytest.mark.parametrize("name", ["FLEET_GPUS", "FLEET_", "FLEET_SERVICE_HOST"])
def test_a_name_like_no_other_is_sent_to_the_list(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "3")
    with pytest.raises(FleetError, match=rf"^{name}: there is no such setting; docs/settings.md"):
        load_settings()


def test_variables_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MY_FLEET_OUTPUT", "FLEETING", "CELERY_LOG_FILE"):
        monkeypatch.setenv(name, '"quoted"\r')
    load_settings()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("FLEET_OUTPUT", '"s3://secret/run"', "begins with a quote"),
        ("FLEET_OUTPUT", "'/secret'", "begins with a quote"),
        ("FLEET_OUTPUT", "“/secret”", "begins with a quote"),
        ("FLEET_SAMPLING_PROMPT", '"a secret of "', "begins with a quote"),
        ("FLEET_FILTER_DENY", 'a.example,"secret.example"', "begins with a quote"),
        ("fleet_output", "secret\r", r"control character '\r'"),
        ("FLEET_OUTPUT", "secret\n", r"control character '\n'"),
        ("FLEET_BROKER_URL", "redis://:secret@broker:6379/0\r", r"control character '\r'"),
        ("FLEET_MODELS_LOCK", "/models/secret\t.json", r"control character '\t'"),
        ("FLEET_OUTPUT", "secret ", "spaces at its ends"),
        ("FLEET_OUTPUT", "secret\udcff", "bytes that are not UTF-8"),
        ("AWS_SECRET_ACCESS_KEY", "secret\r", r"control character '\r'"),
        ("AWS_ACCESS_KEY_ID", '"secret"', "begins with a quote"),
        ("HF_TOKEN", "hf_secret\r", r"control character '\r'"),
        ("FLEET_BROKER_URL", "redis://:change-me@broker:6379/0", "still says change-me"),
        ("FLEET_OUTPUT", "s3://change-me/runs", "still says change-me"),
        ("FLOWER_BASIC_AUTH", "operator:change-me", "still says change-me"),
        ("AWS_SECRET_ACCESS_KEY", "change-me", "still says change-me"),
        ("FLEET_BROKER_URL", "redis://:Change-Me@broker:6379/0", "still says change-me"),
        ("FLEET_BROKER_URL", "redis://:change%2Dme@broker:6379/0", "still says change-me"),
        ("FLEET_BROKER_URL", "redis://:changeme@broker:6379/0", "still says change-me"),
        ("FLOWER_BASIC_AUTH", "operator:CHANGE_ME", "still says change-me"),
        ("AWS_SECRET_ACCESS_KEY", "PLEASE.CHANGEME.1", "still says change-me"),
    ],
)
def test_a_value_that_an_env_file_spoilt(
    name: str, value: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(FleetError) as refusal:
        load_settings()
    line = str(refusal.value)
    assert line.startswith(f"{name}: ")
    assert reason in line
    assert "secret" not in line
    assert line.isprintable()


def test_values_that_look_odd_and_are_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "FLEET_SAMPLING_PROMPT": ' it says "hello" ',
        "FLEET_OUTPUT": "/data/it's here",
        "FLEET_CAPTIONER": "/data/exchange-media/change-metrics",
        "FLEET_FILTER_DENY": " a.example ,\r\n\tb.example,\n",
        "FLEET_FILTER_DENY_FILE": "",
        "fleet_micro_batch": "3",
    }.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.sampling.prompt == ' it says "hello" '
    assert settings.output == "/data/it's here"
    assert settings.filter.deny == ("a.example", "b.example")
    assert settings.filter.deny_file is None
    assert settings.micro_batch == 3


PATHS = (
    "FLEET_OUTPUT",
    "FLEET_MODELS_LOCK",
    "FLEET_FILTER_DENY_FILE",
    "FLEET_HEALTH_FOLDER",
    "FLEET_CAPTIONER",
    "FLEET_REPAIRER",
)


@pytest.mark.parametrize("name", PATHS)
def test_a_home_folder_is_found_or_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No shell replaces the `~` of an env file."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(name, "~/place")
    assert str(tmp_path / "place") in load_settings().model_dump_json()
    monkeypatch.setenv(name, "~nosuchuser/place")
    with pytest.raises(FleetError, match=rf"^{name}: ~nosuchuser/place: there is no such home folder"):
        load_settings()


WORKER = (sys.executable, "-m", "celery", "-A", "workers", "worker")


EXPORTER = (sys.executable, "-m", "common.queue.exporter")


@pytest.mark.parametrize(
    ("command", "variable", "value", "line"),
    [
        (("producer", "status"), "LOG_LEVEL", "verbose", "'VERBOSE' is not one of DEBUG, INFO"),
        (("dataset", "stats"), "LOG_LEVEL", '"info"', "is not one of DEBUG, INFO"),
        (EXPORTER, "LOG_LEVEL", "verbose", "is not one of DEBUG, INFO"),
        (WORKER, "LOG_LEVEL", "verbose", "is not one of DEBUG, INFO"),
        (WORKER, "FLEET_OUTPUT", '"run"', "begins with a quote"),
        (WORKER, "FLEET_OUTPUT", "~nosuchuser/run", "there is no such home folder"),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else None,
)
def test_every_process_says_it_in_one_line(
    command: tuple[str, ...], variable: str, value: str, line: str
) -> None:
    answer = run(*command, environment={variable: value})
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith(f"error: {variable}: ")
    assert answer.stderr.count("\n") == 1
    assert line in answer.stderr


@pytest.mark.parametrize("level", ["", "warn", "info\r"])
def test_levels(level: str) -> None:
    answer = run_here(producer, "--version", environment={"LOG_LEVEL": level})
    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.parametrize("url", ["", "amqp://broker"])
def test_a_worker_with_a_broker_that_cannot_be_one_says_it_in_one_line(url: str) -> None:
    answer = run(*WORKER, environment={"FLEET_BROKER_URL": url, "FLEET_OUTPUT": "run"})
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: FLEET_BROKER_URL")
    assert answer.stderr.count("\n") == 1

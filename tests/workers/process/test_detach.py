"""`celery worker -D`: a start that fails is told at once, and in the log file."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.errors import FleetError
from common.settings import Settings
from workers.process.detach import check_before_detaching


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:]
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = before


@pytest.mark.parametrize(
    "options",
    [
        ("-D", "--logfile", "{log}"),
        ("--detach", "--logfile={log}"),
        ("-D", "-f", "{log}", "-n", "one@%h"),
        ("-c", "2", "-f{log}", "--detach", "-l", "INFO"),
    ],
)
def test_the_reason_is_raised_and_in_the_log_file(tmp_path: Path, options: tuple[str, ...]) -> None:
    log = tmp_path / "worker.log"
    arguments = ["celery", "-A", "workers", "worker", *(option.format(log=log) for option in options)]
    with pytest.raises(FleetError, match="FLEET_OUTPUT is not set"):
        check_before_detaching(arguments, Settings())
    assert "FLEET_OUTPUT is not set" in json.loads(log.read_text())["reason"]


def test_the_file_is_named_after_the_worker(tmp_path: Path) -> None:
    with pytest.raises(FleetError):
        check_before_detaching(["worker", "-D", "-n", "one@here", "-f", f"{tmp_path}/%n.log"], Settings())
    assert (tmp_path / "one.log").exists()


@pytest.mark.parametrize("arguments", [["worker"], ["worker", "-f", "log"], ["beat", "-D"], ["flower"]])
def test_whatever_stays_in_the_foreground_is_left_alone(arguments: list[str]) -> None:
    check_before_detaching(["celery", "-A", "workers", *arguments], Settings())

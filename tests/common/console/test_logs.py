"""Where logs go."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.console.logs import configure_logs
from common.errors import FleetError

log = logging.getLogger(__name__)


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = before
    root.setLevel(level)


def events(file: Path) -> list[str]:
    return [json.loads(line)["event"] for line in file.read_text().splitlines()]


def test_a_file_that_is_moved_away_is_begun_anew(tmp_path: Path) -> None:
    file, moved = tmp_path / "log", tmp_path / "log.1"
    configure_logs("INFO", file=str(file))
    log.info("before")
    file.rename(moved)
    log.info("after")
    assert (events(moved), events(file)) == (["before"], ["after"])


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="none/log: No such file or directory; name another --logfile"):
        configure_logs("INFO", file=str(tmp_path / "none" / "log"))

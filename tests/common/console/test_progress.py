"""Progress: a bar on a terminal, JSON log lines elsewhere."""

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from common.console.logs import configure_logs
from common.console.progress import follow_progress, progress


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rich takes standard error for a wide terminal."""
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "120")


@contextmanager
def fleet_logs() -> Iterator[None]:
    """The fleet's own logs, to the standard error of now, while the block runs."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    configure_logs("INFO")
    yield
    root.handlers[:] = before
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_off_a_terminal_the_last_line_has_the_count(capsys: pytest.CaptureFixture[str]) -> None:
    with fleet_logs(), progress("reading shards", 40) as advance, ThreadPoolExecutor(4) as pool:
        list(pool.map(advance, [1] * 40))
    (line,) = lines(capsys)
    assert {"event": "done", "what": "reading shards", "done": 40, "total": 40}.items() <= line.items()


def test_lines_come_no_more_often_than_their_interval(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.console.progress.LOG_EVERY", 0.0)
    with fleet_logs(), follow_progress("captioning", 9) as show:
        show(3, {"ok": 2, "timeout": 1})
        show(9, {"ok": 8, "timeout": 1})
    first, second, last = lines(capsys)
    assert (first["event"], first["done"], first["by_status"]) == ("progress", 3, {"ok": 2, "timeout": 1})
    assert second["done"] == last["done"] == 9
    assert last["event"] == "done"


@pytest.mark.usefixtures("terminal")
def test_a_terminal_gets_a_bar_and_the_failures(capsys: pytest.CaptureFixture[str]) -> None:
    with follow_progress("captioning", 9, unit="rows", idle="loading models") as show:
        show(3, {"ok": 2, "timeout": 1})
    shown = capsys.readouterr().err
    assert "captioning" in shown
    assert "3/9" in shown
    assert "loading models" in shown
    assert "timeout 1" in shown
    assert "ok" not in shown.replace("captioning", "")


@pytest.mark.usefixtures("terminal")
def test_a_plain_bar_has_no_rate(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("reading footers", 5) as advance:
        advance(5)
    shown = capsys.readouterr().err
    assert "5/5" in shown
    assert "/s" not in shown

"""Skips tests whose programs are missing, and ends the session with what was skipped, why, and what helps."""

from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

from tests.programs import find, hidden, reason_to_skip


def pytest_configure() -> None:
    hidden()  # a wrong name in it ends the session before the first test


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        for name in _missing(item):
            item.add_marker(pytest.mark.skip(reason_to_skip(name)))


def _missing(item: pytest.Item) -> Iterator[str]:
    for mark in item.iter_markers("program"):
        yield from (name for name in mark.args if find(name) is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    if reasons:
        terminalreporter.section("skipped, and how to get it")
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"{count:4} skipped: {reason}")


def _reason(report: pytest.TestReport) -> str:
    """The line that the skip gave; `longrepr` is a file, a line number and that."""
    assert isinstance(report.longrepr, tuple | list)
    return str(report.longrepr[2]).removeprefix("Skipped: ")

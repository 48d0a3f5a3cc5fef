"""Programs of the system are found, hidden and missed, and only one module knows where they are."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import HIDING, PROGRAMS, find, reason_to_skip

ROOT = Path(__file__).parents[2]
ASK = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""
SUITE = """
from tests.programs import needs, require

@needs("promtool")
def test_marked(): raise AssertionError

def test_not_marked(): assert require("chromium").exists()

def test_plain(): pass
"""


@pytest.fixture
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without programs; returns the folder that is its PATH."""
    monkeypatch.delenv(HIDING, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "browsers"))
    return tmp_path


def stand_in(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o755)
    return path


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_is_on_the_path_is_found_unless_it_is_hidden(
    name: str, nothing_here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find(name) is None
    assert PROGRAMS[name].install in reason_to_skip(name)
    program = stand_in(nothing_here / name)
    assert find(name) == program
    for names in (name, f" {name} ,", "all"):
        monkeypatch.setenv(HIDING, names)
        assert find(name) is None
        assert HIDING in reason_to_skip(name)


def test_a_browser_is_found_where_playwright_keeps_its_own(nothing_here: Path) -> None:
    """The folder is a stand-in; where in it the browser lies is Playwright's own word."""
    place = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)
    newest = stand_in(Path(place.stdout.strip()))
    assert newest.is_relative_to(nothing_here)
    stand_in(Path(str(newest).replace("/chromium-", "/chromium-9"))).chmod(0o644)  # half installed
    stand_in(Path(re.sub(r"/chromium-\d+", "/chromium-99", str(newest))))  # an older one
    assert find("chromium") == newest


def test_a_session_skips_and_ends_with_the_reasons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    monkeypatch.setenv(HIDING, "all")
    answer = _session(tmp_path)
    assert answer.returncode == 0, answer.stdout
    assert "1 passed, 2 skipped" in answer.stdout
    for name in ("promtool", "chromium"):
        assert f"   1 skipped: needs {name}, which {PROGRAMS[name].use}: hidden by {HIDING}" in answer.stdout


def test_a_wrong_name_ends_the_session_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HIDING, "chrome")
    answer = _session(tmp_path)
    assert answer.returncode == pytest.ExitCode.USAGE_ERROR
    assert answer.stderr.startswith(
        f"ERROR: {HIDING}: no test uses chrome; give all, or some of caddy, chromium, "
    )


def _session(folder: Path) -> "subprocess.CompletedProcess[str]":
    options = ["-p", "tests.skips", "-p", "no:cacheprovider", "-p", "no:xdist", "-c", ROOT / "pyproject.toml"]
    command = [sys.executable, "-m", "pytest", *map(str, options), "--rootdir", str(folder), str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_nothing_else_says_where_a_program_is() -> None:
    places = re.compile(r"[\"'](/usr(/local)?|/opt)?/s?bin/|\bwhich\(")
    apart = ROOT / "tests" / "containers"  # no test: it builds images, and says itself what it needs
    files = (path for path in (ROOT / "tests").rglob("*.py") if apart not in path.parents)
    found = [path for path in files if places.search(path.read_text())]
    assert {path.name for path in found} <= {"programs.py", Path(__file__).name}

"""Programs of the system that tests may use: what each is for, where it lies, how to install it.

All are optional. A test names the programs that it needs, and is skipped with one line where one is missing:

    @needs("chromium")

`TESTS_WITHOUT=chromium,promtool` hides programs that are there, `TESTS_WITHOUT=all` hides every one.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

HIDING = "TESTS_WITHOUT"
_BUILDS = (
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
    "chromium_headless_shell-*/chrome-*/*headless*shell",
)


@dataclass(frozen=True, slots=True)
class Program:
    """A program that may be missing."""

    use: str
    install: str


PROGRAMS = {
    "caddy": Program("stands before the survey", "apt install caddy"),
    "chromium": Program(
        "shows the gallery, the survey and Flower",
        "apt install chromium, or .venv/bin/playwright install --with-deps chromium",
    ),
    "make": Program("sets the project up", "apt install make"),
    "mount": Program("makes small disks", "apt install mount"),
    "unshare": Program("gives a test a network of its own", "apt install util-linux"),
    "nginx": Program("stands before the survey", "apt install nginx-light"),
    "prlimit": Program("limits a process's open files", "apt install util-linux"),
    "promtool": Program("tries the alerts", "apt install prometheus"),
    "redis-server": Program("is a broker beside Valkey", "apt install redis-server"),
    "umount": Program("takes small disks away", "apt install mount"),
}


def needs(*names: str) -> pytest.MarkDecorator:
    """Mark a test or a parameter that uses these programs."""
    return pytest.mark.program(*names)


def find(name: str) -> Path | None:
    """Where the program is; None where it is missing or hidden."""
    if name in hidden():
        return None
    on_path = shutil.which(name)
    if on_path is None and name == "chromium":
        return next(_playwrights_chromium(), None)
    return Path(on_path) if on_path else None


def require(name: str) -> Path:
    """Where the program is; skips the test where it is missing."""
    path = find(name)
    if path is None:
        pytest.skip(reason_to_skip(name))
    return path


def reason_to_skip(name: str) -> str:
    """One line: what is missing, what for, and how to get it."""
    hint = f"hidden by {HIDING}" if name in hidden() else PROGRAMS[name].install
    return f"needs {name}, which {PROGRAMS[name].use}: {hint}"


def hidden() -> set[str]:
    """Names in TESTS_WITHOUT.

    Raises:
        pytest.UsageError: it names a program that no test uses.
    """
    names = {name.strip() for name in os.environ.get(HIDING, "").split(",")} - {""}
    if unknown := names - PROGRAMS.keys() - {"all"}:
        raise pytest.UsageError(
            f"{HIDING}: no test uses {', '.join(sorted(unknown))}; give all, or some of {', '.join(PROGRAMS)}"
        )
    return set(PROGRAMS) if "all" in names else names


def _playwrights_chromium() -> Iterator[Path]:
    """Browsers that `playwright install chromium` brought, the newest first."""
    home = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "ms-playwright"
    folder = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or home)
    for build in _BUILDS:
        found = [path for path in folder.glob(build) if os.access(path, os.X_OK)]
        yield from sorted(found, key=_revision, reverse=True)


def _revision(browser: Path) -> int:
    folder = next(part for part in browser.parts if part.startswith("chromium"))
    return int(folder.rpartition("-")[2])

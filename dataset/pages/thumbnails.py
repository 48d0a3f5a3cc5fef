"""Fetching pictures by a process of the workers' room, which knows how to do it safely."""

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from common.errors import FleetError

TOOL = (sys.executable, "-P", "-m", "workers.thumbnails")
OK = "ok"


@dataclass(frozen=True, slots=True)
class Fetched:
    """The outcome of an image."""

    status: str
    sha256: str | None
    """Of the bytes that were fetched; None where there were none."""
    cells: bytes
    """Mean colours of its parts, in rows from the top left; empty unless the status is ok."""


def fetch_images(
    places: Mapping[str, str | Path], folder: Path, side: int, seen: Callable[[], None]
) -> dict[str, Fetched]:
    """Fetch pictures under the `FLEET_FETCH_` settings into `folder/<name>.jpg`.

    Args:
        places: a URL or a file for each name.
        folder: must exist.
        side: pixels of the longer side, at most.
        seen: called after each picture.

    Returns:
        The status of each name; only what is `ok` has a file.

    Raises:
        FleetError: the process failed.
    """
    if importlib.util.find_spec("aiohttp") is None or importlib.util.find_spec("PIL") is None:
        raise FleetError("images are fetched by the workers' packages: pip install '.[worker]' in a checkout")
    statuses = {}
    with tempfile.TemporaryFile("w+") as wishes, tempfile.TemporaryFile("w+") as complaints:
        wishes.writelines(_wish(name, place) for name, place in places.items())
        wishes.seek(0)
        command = [*TOOL, "--output", str(folder), "--side", str(side)]
        with subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, stdin=wishes, stdout=subprocess.PIPE, stderr=complaints, text=True
        ) as process:
            for line in process.stdout or ():
                answer = json.loads(line)
                statuses[answer["id"]] = Fetched(
                    answer["status"], answer["sha256"], bytes.fromhex(answer["cells"] or "")
                )
                seen()
        if process.returncode or statuses.keys() != places.keys():
            complaints.seek(0)
            last = (complaints.read().strip().splitlines() or [f"exit code {process.returncode}"])[-1]
            raise FleetError(f"fetching pictures failed: {last.removeprefix('error: ')}")
    return statuses


def _wish(name: str, place: str | Path) -> str:
    kind = "path" if isinstance(place, Path) else "url"
    return json.dumps({"id": name, kind: str(place)}) + "\n"

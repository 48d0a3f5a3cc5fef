"""`producer local` from outside: it ends well, stops on Ctrl-C, goes on where it was, and leaves nothing."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from tests.demo.parts import links, write_parts
from tests.demo.site import DrawnImage, Site
from tests.processes import BIN, FAKE, TOY

pytestmark = [pytest.mark.slow, pytest.mark.models]
ENVIRONMENT = {**TOY, "FLEET_FETCH_ALLOW_NETWORKS": "127.0.0.0/8", "FLEET_FETCH_TIMEOUT": "2"}
ENDLESS = {"FLEET_FETCH_TIMEOUT": "600", "FLEET_FETCH_READ_TIMEOUT": "600"}
"""With these the first batch of the second part, which has a link to a silent host, never ends."""
PATIENCE = 300


def start(folder: Path, parts: list[Path], *options: str, **more: str) -> "subprocess.Popen[str]":
    command = [
        str(BIN / "producer"),
        "local",
        *map(str, parts),
        "--output",
        "out",
        "--batch-rows",
        "10",
        *options,
    ]
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **ENVIRONMENT, **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def shards(folder: Path) -> dict[str, bytes]:
    return {
        path.name + path.parent.name: path.read_bytes() for path in (folder / "out/shards").rglob("*.parquet")
    }


def wait_for_shard(folder: Path, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + PATIENCE
    while not shards(folder) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)


def _shadow(folder: Path) -> None:
    """A person's own modules, by the names of ours and of what we use."""
    for name in ("common", "workers", "redis", "structlog"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("raise ImportError('a person's own')")
    (folder / "celery.py").write_text("raise ImportError('a person's own')")


@pytest.fixture
def parts(outside: Path, site: Site, drawn: list[DrawnImage]) -> list[Path]:
    """In a folder that shadows the fleet."""
    _shadow(outside)
    return write_parts(outside / "in", links(site, drawn))


@pytest.mark.parametrize(("end", "models"), [(signal.SIGINT, TOY), (signal.SIGKILL, FAKE)])
def test_stopped_and_started_again_it_goes_on(
    outside: Path, parts: list[Path], end: signal.Signals, models: dict[str, str]
) -> None:
    first = start(outside, parts, **models, **ENDLESS)
    wait_for_shard(outside, first)
    children = psutil.Process(first.pid).children(recursive=True)
    assert len(children) >= 3  # broker, worker, the worker's child
    _require_refusal_of_another(outside, parts, models)
    first.send_signal(end)
    _, errors = first.communicate(timeout=PATIENCE)
    assert first.returncode == (130 if end == signal.SIGINT else -signal.SIGKILL), errors
    assert "Traceback" not in errors
    _, alive = psutil.wait_procs(children, timeout=PATIENCE)
    assert alive == []

    before = shards(outside)
    assert 0 < len(before) < 8
    second = start(outside, parts, **models)
    out, errors = second.communicate(timeout=PATIENCE)
    assert second.returncode == 0, errors
    after = shards(outside)
    assert before.items() <= after.items()
    assert sum(pq.read_table(path).num_rows for path in (outside / "out/shards").rglob("*.parquet")) == 80
    assert "total" in out
    assert not list((outside / "out").glob(".tmp/*"))


def _require_refusal_of_another(outside: Path, parts: list[Path], models: dict[str, str]) -> None:
    another = start(outside, parts, **models)
    _, errors = another.communicate(timeout=PATIENCE)
    assert another.returncode == 2
    assert "another `producer local` is at work here" in errors


def test_off_a_terminal_the_log_is_json_and_a_finished_run_is_left_as_it_is(
    outside: Path, parts: list[Path]
) -> None:
    process = start(outside, parts, "--limit-rows", "5", **FAKE)
    out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    events = [json.loads(line) for line in errors.splitlines()]
    queued = {"what": "queueing batches", "done": 1, "total": 1}
    assert any(queued.items() <= event.items() for event in events)
    assert "ok" in out

    before = shards(outside)
    again = start(outside, parts, "--limit-rows", "5", **FAKE)
    _, errors = again.communicate(timeout=PATIENCE)
    assert (again.returncode, shards(outside)) == (0, before), errors

"""A web of toy pictures, and workers that are stopped whatever happens."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.demo.site import DrawnImage, Site, draw_images, serve
from tests.lean import lean_path


@pytest.fixture(scope="session")
def drawn() -> list[DrawnImage]:
    return draw_images(48)


@pytest.fixture(scope="session")
def site(drawn: list[DrawnImage]) -> Iterator[Site]:
    with serve(drawn) as running:
        yield running


@contextmanager
def worker(environment: Mapping[str, str], log: Path, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
    """`celery -A workers worker`, of itself without a flag; SIGTERM at the end of the block."""
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "workers", "worker", *options],
            env={**os.environ, "PYTHONPATH": lean_path(), "OMP_NUM_THREADS": "1", **environment},
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

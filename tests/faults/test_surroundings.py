"""The machine itself: full disks, few descriptors, wrong clocks, folders that cannot be written."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.checks import finish, long
from tests.faults.fleet import Fleet
from tests.faults.waiting import until
from tests.programs import needs, require
from tests.small_disk import needs_small_disk, small_disk

pytestmark = pytest.mark.slow


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte for the runs."""
    with small_disk(tmp_path / "runs", "1m") as folder:
        yield folder


@needs_small_disk
def test_a_full_disk_puts_batches_back(disk: Path, crew: Fleet) -> None:
    run = crew.enqueue("full", 4)
    crew.site.hold = 600
    worker = crew.start(wait=False)
    crew.site.wait_for(run.batches[0])
    ballast = disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"0" * 1024)
    crew.site.release()
    until(lambda: worker.events("batch put back"), 30, "a batch put back")
    assert run.done() == 0
    ballast.unlink()
    finish(crew, run)


@long
@needs("prlimit")
def test_few_descriptors_and_a_temporary_folder_that_cannot_be_written(crew: Fleet) -> None:
    run = crew.enqueue("few", 6)
    worker = crew.start(prefix=(str(require("prlimit")), "--nofile=64"), TMPDIR="/proc")
    finish(crew, run)
    assert worker.alive


@long
@pytest.mark.parametrize("seconds", [600, -600])
def test_a_clock_that_is_ten_minutes_wrong_runs_nothing_twice(crew: Fleet, seconds: int) -> None:
    """To each worker the other's leases have run out, or never will: the claims keep them apart.

    The message goes round between them meanwhile, so that one of the two gets nothing else done.
    """
    run = crew.enqueue("skew", 2)
    crew.site.hold = 600
    crew.start(wait=False, app="tests.faults.skewed", SKEW=str(seconds))
    crew.start(wait=False)
    until(lambda: crew.site.attempts, 60, "a start")
    time.sleep(12)
    assert max(len(crew.site.of(batch)) for batch in run.batches) == 1
    finish(crew, run)
    assert [len(crew.site.of(batch)) for batch in run.batches] == [1, 1]

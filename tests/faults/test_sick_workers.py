"""A sick worker buries nothing: what it cannot read, load or apply is not the batch's fault."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.checks import counts, finish
from tests.faults.fleet import Fleet, Run, Worker
from tests.faults.waiting import until

pytestmark = pytest.mark.slow

SECONDS = 300 if os.environ.get("FAULTS") == "long" else 4
"""How long a sick worker is left alone."""

MANY = 12
BESIDE = 3 * MANY if SECONDS < 60 else 300
HOLD = 0.1 if SECONDS < 60 else 1.0
"""A good worker alone needs as long for all of them as the sick one is watched, or longer."""
WORKING_FOLDER = Path("/proc/self/cwd")


class Sickness:
    """One way to be sick, and the way back."""

    def __init__(self, crew: Fleet) -> None:
        self.crew = crew

    def start(self) -> Worker:
        """A worker that has it."""
        raise NotImplementedError

    def heal(self) -> None:
        """All sick workers are well from now on."""


class Mount(Sickness):
    """The folder of the parts is not there."""

    def start(self) -> Worker:
        folder = self.crew.folder / "in"
        if folder.exists():
            folder.rename(self.crew.folder / "elsewhere")
        return self.crew.start(wait=False)

    def heal(self) -> None:
        (self.crew.folder / "elsewhere").rename(self.crew.folder / "in")


class DenyList(Sickness):
    """The deny list was there at the start and is not any more."""

    def start(self) -> Worker:
        self.path = self.crew.folder / "deny.txt"
        self.path.write_text("nobody.example\n")
        worker = self.crew.start(FLEET_FILTER_DENY_FILE=str(self.path))
        self.path.unlink()
        return worker

    def heal(self) -> None:
        self.path.write_text("nobody.example\n")


class Device(Sickness):
    """The device is not there; mended by a worker that does without."""

    def start(self) -> Worker:
        self.worker = self.crew.start(wait=False, app="tests.faults.no_device")
        return self.worker

    def heal(self) -> None:
        self.worker.end()
        self.crew.start(wait=False)


class Memory(Sickness):
    """The device has no room for a single image."""

    def start(self) -> Worker:
        return self.crew.start(wait=False, app="tests.faults.failing_device", FAILING_DEVICE="memory")


SICKNESSES: tuple[Callable[[Fleet], Sickness], ...] = (Mount, DenyList, Device)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("sickness", SICKNESSES, ids=lambda one: one.__name__)
def test_alone_it_buries_nothing_and_does_all_once_it_is_healed(
    crew: Fleet, sickness: Callable[[Fleet], Sickness]
) -> None:
    run = crew.enqueue("sick", MANY)
    illness = sickness(crew)
    worker = illness.start()
    until(lambda: len(worker.events("batch put back")) >= 2, 60, "batches put back")
    time.sleep(SECONDS)
    assert (run.dead(), run.done()) == (0, 0)
    assert counts(crew, "crashed") == {}
    assert worker.alive
    illness.heal()
    finish(crew, run, 120)
    assert run.dead() == 0


@pytest.mark.timeout(900)
@pytest.mark.parametrize("sickness", [DenyList, Device, Memory], ids=lambda one: one.__name__)
def test_beside_a_good_worker_it_costs_nothing(crew: Fleet, sickness: Callable[[Fleet], Sickness]) -> None:
    crew.site.hold = HOLD
    run = crew.enqueue("beside", BESIDE)
    worker = sickness(crew).start()
    until(lambda: worker.events("batch put back"), 60, "a batch put back")
    crew.start()
    _let_the_good_one_do_all(crew, run)


@pytest.mark.timeout(900)
@pytest.mark.skipif(not WORKING_FOLDER.exists(), reason="needs /proc, for a folder that one worker lacks")
def test_without_a_mount_beside_a_good_worker_it_costs_nothing(
    crew: Fleet, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Both know the part by a path that leads into the working folder of whoever opens it."""
    monkeypatch.chdir(crew.folder)
    crew.site.hold = HOLD
    run = crew.enqueue("beside", BESIDE, folder=WORKING_FOLDER / "in")
    worker = crew.start(wait=False, cwd=tmp_path_factory.mktemp("without"))
    until(lambda: worker.events("batch put back"), 60, "a batch put back")
    assert {event["culprit"] for event in worker.events("batch put back")} == {"the store"}
    crew.start(cwd=crew.folder)
    _let_the_good_one_do_all(crew, run)


def _let_the_good_one_do_all(crew: Fleet, run: Run) -> None:
    watched = time.monotonic()
    while time.monotonic() - watched < SECONDS and run.done() < len(run.batches):
        time.sleep(0.5)
    assert run.dead() == 0
    finish(crew, run, 240)
    assert run.dead() == 0
    assert counts(crew, "crashed") == {}


def test_a_process_that_loses_its_device_is_replaced_and_no_batch_pays_for_it(crew: Fleet) -> None:
    """Each process does one pass; whatever follows is an error that outlasts the call."""
    run = crew.enqueue("lost", 2)
    worker = crew.start(app="tests.faults.failing_device", FAILING_DEVICE="lost")
    (first,) = worker.children()
    finish(crew, run, 120)
    assert (run.dead(), counts(crew, "crashed")) == (0, {})
    assert worker.alive
    assert first.pid not in [child.pid for child in worker.children()]
    (returned, *_) = worker.events("batch put back")
    assert returned["culprit"] == "the device"
    assert "CUDA error: device-side assert triggered; " in returned["reason"]
    assert "Traceback" not in worker.log.read_text()

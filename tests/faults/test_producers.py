"""Producers at once, producers that die, and reconciling in the middle of the work."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.faults.checks import finish
from tests.faults.fleet import Fleet, Run
from tests.faults.waiting import until
from tests.processes import BIN

pytestmark = pytest.mark.slow
BATCHES = 40
PAUSE = 0.05
"""Seconds between two reconciliations: twenty or more, while two workers are at the batches."""


def start(crew: Fleet, *arguments: object) -> "subprocess.Popen[str]":
    """`producer` as a process of its own."""
    return subprocess.Popen(
        [str(BIN / "producer"), *map(str, arguments)],
        env={**os.environ, **crew.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def queued(crew: Fleet) -> int:
    return int(crew.broker.client().llen("caption.v1"))


def test_two_producers_at_once_queue_every_batch_once(crew: Fleet) -> None:
    run = crew.plan("both", 700)
    command = ("enqueue", run.part, "--output", run.output, "--batch-rows", 3)
    for process in [start(crew, *command) for _ in range(2)]:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    assert queued(crew) == 700
    reconcilers = [start(crew, "requeue", "--missing", "--output", run.output) for _ in range(2)]
    for process in reconcilers:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    assert queued(crew) == 700


def test_killed_while_it_enqueues_and_started_again(crew: Fleet) -> None:
    run = crew.plan("half", 4000, rows=2)
    command = ("enqueue", run.part, "--output", run.output, "--batch-rows", 2)
    process = start(crew, *command)
    until(lambda: queued(crew) > 100, 30, "the first messages", pause=0.002)
    process.kill()
    process.communicate()
    sent = queued(crew)
    assert 100 < sent < 4000
    crew.unlock_producers()
    assert crew.producer(*command).returncode == 0
    print("queued", queued(crew), "after", sent)
    assert 4000 <= queued(crew) <= 4000 + 500, "a chunk at most is queued twice"


def test_reconciling_in_the_middle_of_the_work_repeats_nothing(crew: Fleet) -> None:
    run: Run = crew.enqueue("racing", BATCHES)
    crew.site.hold = 0.1
    for _ in range(2):
        crew.start(wait=False)
    until(run.done, 40, "the first shard")
    extra, deadline = 0, time.monotonic() + 60
    while run.done() < BATCHES and time.monotonic() < deadline:
        extra += crew.requeue(run)
        time.sleep(PAUSE)
    finish(crew, run)
    assert all(len(crew.site.of(batch)) == 1 for batch in run.batches)
    print("queued again needlessly", extra)


def test_a_part_is_added_to_a_run_whose_workers_were_killed_while_they_wrote(crew: Fleet) -> None:
    run = crew.enqueue("first", 2)
    scratch = Path(run.output) / ".tmp" / "unfinished"
    scratch.parent.mkdir(exist_ok=True)
    scratch.write_bytes(b"half a shard")
    crew.enqueue("second", 2, output=run.output)
    assert queued(crew) == 4

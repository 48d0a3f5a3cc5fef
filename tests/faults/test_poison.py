"""A batch that ruins whoever touches it is given up; its neighbours never notice."""

import pytest

from tests.faults.checks import counts, finish, long
from tests.faults.fleet import Fleet, Run

pytestmark = pytest.mark.slow
DEADLY = "tests.faults.deadly"
LIMITS = {"magenta": "3"}
"""Seconds that a batch may take, for what hangs; what does not hang gets all that a busy machine needs."""


def starts(crew: Fleet, run: Run, number: int) -> int:
    return len(crew.site.of(run.batches[number]))


@long
def test_one_that_crashes_its_child_dies_after_four_attempts_among_200(crew: Fleet) -> None:
    run = crew.enqueue("poison", 201, colours={20: "red"})
    crew.start(app=DEADLY)
    findings = finish(crew, run, 100)
    (record,) = findings.dead.values()
    print(record, starts(crew, run, 20))
    assert list(findings.dead) == [run.batches[20]]
    assert (record["reason"], record["crashed"]) == ("crashed", 4)
    assert starts(crew, run, 20) == 4
    assert findings.found == 200 * 3
    assert all(len(crew.site.of(batch)) == 1 for batch in run.batches if batch != run.batches[20])
    assert counts(crew, "crashed") == {}


@pytest.mark.parametrize(
    ("colour", "reason"),
    [
        ("red", "crashed"),
        ("yellow", "error"),
        pytest.param("blue", "error", marks=long),
        pytest.param("magenta", "crashed", marks=long),
    ],
)
def test_a_crash_an_error_no_memory_and_a_hang_end_the_same_way(
    crew: Fleet, colour: str, reason: str
) -> None:
    run = crew.enqueue("bad", 6, colours={1: colour})
    crew.start(app=DEADLY, FLEET_LEASE_MAX_CRASHED="2", FLEET_LEASE_TIME_LIMIT=LIMITS.get(colour, "60"))
    findings = finish(crew, run, 60)
    (record,) = findings.dead.values()
    print(record)
    assert (record["batch"], record["reason"], record["crashed"]) == (run.batches[1], reason, 2)
    assert starts(crew, run, 1) == 2


@long
def test_an_operator_brings_the_dead_back(crew: Fleet) -> None:
    run = crew.enqueue("revived", 2, colours={1: "yellow"})
    worker = crew.start(app=DEADLY, FLEET_LEASE_MAX_CRASHED="1")
    assert list(finish(crew, run).dead) == [run.batches[1]]
    worker.end()
    assert crew.requeue(run) == 0
    assert crew.requeue(run, "--dead", "--reason", "crashed") == 0
    assert crew.requeue(run, "--dead", "--reason", "error") == 1
    crew.start()
    assert finish(crew, run).found == 6


@long
def test_a_hang_that_keeps_the_interpreter(crew: Fleet) -> None:
    """Its lease cannot be renewed: the batch goes round, and is given up all the same."""
    run = crew.enqueue("hung", 8, colours={0: "green"})
    limits = {"FLEET_LEASE_TIME_LIMIT": "12", "FLEET_LEASE_MAX_CRASHED": "2"}
    for _ in range(2):
        crew.start(app=DEADLY, wait=False, **limits)
    findings = finish(crew, run, 90)
    print(findings.dead, starts(crew, run, 0))
    assert list(findings.dead) == [run.batches[0]]

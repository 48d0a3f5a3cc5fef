"""The table of blame: every kind of failure has one row, and nobody else decides."""

import re
from pathlib import Path

import pytest
import redis

from common.contact import ContactError
from common.errors import FleetError, StoreError
from common.run.part import PartError
from workers.batch import ForeignMessageError, NetworkError, WrongSettingsError
from workers.delivery.blame import UNFORESEEN, Reaction, blame, describe, unwrap
from workers.delivery.errors import ClaimedError, FailingWorkerError, PreparationError, TriedHereError
from workers.delivery.giving_up import Witnesses, is_given_up

WORKERS = Path(__file__).parents[3] / "workers"

CASES: list[tuple[Exception, Reaction]] = [
    (ForeignMessageError("x"), Reaction.SET_ASIDE),
    (PartError("x"), Reaction.GIVE_UP),
    (ClaimedError("x"), Reaction.RETURN),
    (TriedHereError("x"), Reaction.RETURN),
    (StoreError("x"), Reaction.WITHDRAW),
    (NetworkError("x"), Reaction.WITHDRAW),
    (ContactError(), Reaction.WITHDRAW),
    (WrongSettingsError("x"), Reaction.WITHDRAW),
    (FailingWorkerError("x"), Reaction.WITHDRAW),
    (PreparationError("x"), Reaction.WITHDRAW),
    (redis.ConnectionError("x"), Reaction.WITHDRAW),
    (redis.exceptions.OutOfMemoryError("x"), Reaction.WITHDRAW),
    (FleetError("x"), Reaction.WITHDRAW),
    (RuntimeError("CUDA error: an illegal memory access was encountered"), Reaction.WITHDRAW),
    (RuntimeError("CUDA out of memory"), Reaction.WITHDRAW),
    (RuntimeError("x"), Reaction.COUNT),
    (MemoryError(), Reaction.COUNT),
    (KeyError("x"), Reaction.COUNT),
]


@pytest.mark.parametrize(("error", "reaction"), CASES, ids=lambda one: repr(one)[:40])
def test_each_kind_has_its_reaction(error: Exception, reaction: Reaction) -> None:
    import torch  # noqa: F401, PLC0415 - where the device failed it is loaded

    assert blame(error).reaction is reaction


def test_every_failure_of_ours_is_somebodys() -> None:
    def subclasses(kind: type[Exception]) -> set[type[Exception]]:
        return {one for direct in kind.__subclasses__() for one in {direct, *subclasses(direct)}}

    kinds = {kind for kind in subclasses(FleetError) if kind.__module__.startswith(("common", "workers"))}
    assert kinds
    for kind in kinds:
        assert blame(kind.__new__(kind)) is not UNFORESEEN, kind


def test_the_line_says_what_to_do() -> None:
    error = PreparationError("KeyError:\n 'a'")
    assert describe(error, blame(error)) == "KeyError: 'a'; look at its settings"


def test_a_group_is_its_gravest_leaf() -> None:
    store = StoreError("away")
    assert unwrap(ExceptionGroup("g", [ValueError("v"), ExceptionGroup("h", [store])])) is store
    value = ValueError("v")
    assert unwrap(ExceptionGroup("g", [value])) is value
    assert unwrap(value) is value


@pytest.mark.parametrize(
    ("step", "places"),
    [
        (r"\breturn_to_queue\(", {"delivery/deliver.py", "delivery/return_to_queue.py"}),
        (r"\.fail\(", {"delivery/attempt.py"}),
        (r"\bwrite_failure\(", {"delivery/attempt.py"}),
        (r"\bset_aside\(", {"delivery/consumer.py", "delivery/deliver.py"}),  # also what is no message
        (r"\.mark_unready\(", {"delivery/observer.py"}),
        (r"raise Reject\w*\(", {"delivery/return_to_queue.py"}),
    ],
)
def test_there_is_no_second_place(step: str, places: set[str]) -> None:
    found = {
        path.relative_to(WORKERS).as_posix()
        for path in WORKERS.rglob("*.py")
        if re.search(step, path.read_text())
    }
    assert found == places


@pytest.mark.parametrize(
    ("count", "witnesses", "dead"),
    [
        (3, Witnesses(proven=2, seen=5, anyone_works=True), False),
        (4, Witnesses(proven=2, seen=5, anyone_works=True), True),
        (4, Witnesses(proven=1, seen=5, anyone_works=True), False),
        (40, Witnesses(proven=1, seen=5, anyone_works=True), False),
        (4, Witnesses(proven=0, seen=1, anyone_works=True), True),
        (7, Witnesses(proven=0, seen=1, anyone_works=False), False),
        (8, Witnesses(proven=0, seen=9, anyone_works=False), True),
    ],
)
def test_who_has_to_testify(count: int, witnesses: Witnesses, *, dead: bool) -> None:
    assert is_given_up(count, 4, witnesses) is dead

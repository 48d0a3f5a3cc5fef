"""Sets of batches as integers say what sets of ids would."""

import random

import pytest

from common.errors import FleetError
from common.run.numbering import Numbering, numbers
from common.run.planned_part import Part


def parts(*rows: int) -> list[Part]:
    return [
        Part(id=f"p{index}", address=f"/p{index}", rows=count, size=1) for index, count in enumerate(rows)
    ]


def test_ids_numbers_and_batches_agree() -> None:
    planned = parts(25, 1, 10, 30, 7)
    numbering = Numbering(planned, 10)
    batches = [batch for part in planned for batch in part.batches(10)]
    assert numbering.total == len(batches) == 9
    assert [numbering.batch(number) for number in range(9)] == batches
    assert [numbering.number(batch.id) for batch in batches] == list(range(9))
    assert [numbering.id(number) for number in range(9)] == [batch.id for batch in batches]
    assert dict(numbering.parts) == {"p0": 3, "p1": 1, "p2": 1, "p3": 3, "p4": 1}


@pytest.mark.parametrize(
    "stranger",
    ["", "p0", "p0/", "p9/000000000000", "p0/000000000005", "p0/000000000030", "p0/0", "p0/-00000000010",
     "p0/00000000001\u0660", "p0/0000000000000", "x/p0/000000000000", "p0/99999999999\u00b2"],
)  # fmt: skip
def test_what_is_no_batch_of_the_run_has_no_number(stranger: str) -> None:
    numbering = Numbering(parts(25, 1), 10)
    assert numbering.number(stranger) is None
    assert numbering.bits([stranger]) == 0


def test_sets_and_their_rows_are_those_of_the_batches() -> None:
    planned = parts(25, 1, 10, 30, 7, 100)
    numbering = Numbering(planned, 10)
    batches = [batch for part in planned for batch in part.batches(10)]
    dice = random.Random(7)
    for size in range(len(batches) + 1):
        chosen = dice.sample(batches, size)
        bits = numbering.bits(batch.id for batch in chosen)
        assert bits.bit_count() == size
        assert numbering.rows(bits) == sum(batch.rows for batch in chosen)
        assert [numbering.batch(number) for number in numbers(bits)] == [b for b in batches if b in chosen]
    assert numbering.bits(batch.id for batch in batches) == numbering.all
    assert list(numbers(numbering.part_bits(["p2"]))) == [4]


def test_no_rows_at_all() -> None:
    numbering = Numbering([], 10)
    assert (numbering.total, numbering.all, numbering.rows(0), list(numbers(0))) == (0, 0, 0, [])


def test_too_many_batches_are_one_line() -> None:
    with pytest.raises(FleetError, match="larger --batch-rows"):
        Numbering(parts(10**9), 1)
    with pytest.raises(FleetError, match="larger --batch-rows"):
        Numbering(parts(*[10**6] * 101), 1)

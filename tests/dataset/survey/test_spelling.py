"""Both sides alike: what people and tokenisers write differently becomes the same."""

import random

import pytest

from dataset.survey.spelling import alike

LETTERS = " .,'-/\"!?()[]abcsT%İ\u0301\u202e\u00a0’—…ﬁ\n\x00"  # noqa: RUF001


@pytest.mark.parametrize(
    ("human", "machine"),
    [
        ("A man's “big” T-shirt.", "a man ' s big t - shirt"),
        ("Two dogs, a cat and a black-and-white cow.", "two dogs , a cat and a black - and - white cow"),
        ('A sign that says "STOP" (in red)!', 'a sign that says " stop " ( in red )'),
        ("  The dogs' bowl\n", "the dogs' bowl"),
        ("A caf\u00e9…", "a cafe\u0301"),
        ("Two dogs — playing", "two dogs , playing"),
        ("Two dogs – playing.", "two dogs, playing"),  # noqa: RUF001
        ("Ages 3–5", "ages 3 - 5"),  # noqa: RUF001
        ("It’s 50% off?", "it's 50 % off"),  # noqa: RUF001
        ("\u202eHello\u0000 \ufeffworld.", "hello world"),
    ],
)
def test_both_ways_of_writing_meet(human: str, machine: str) -> None:
    assert alike(human) == alike(machine)


def test_what_is_alike_already_stays() -> None:
    for caption in ("a red circle above a blue square", "it's 50% off", "a black-and-white cow"):
        assert alike(caption) == caption
    assert alike(" ?! \u202e\x07") == ""


def test_twice_changes_nothing_more() -> None:
    draw = random.Random(1)
    for _ in range(5_000):
        text = "".join(draw.choices(LETTERS, k=draw.randrange(14)))
        assert alike(alike(text)) == alike(text)

"""Scenes of few large shapes and their true sentences: learned in minutes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from numpy.random import Generator

COLOURS: Final = ("red", "green", "blue", "yellow", "purple", "black")
SHAPES: Final = ("circle", "square", "triangle", "star")
SIZES: Final = ("small", "large")
RELATIONS: Final = ("above", "left of")
PROMPT: Final = "a picture of "
_SINGLE_SHARE: Final = 0.4


@dataclass(frozen=True, slots=True)
class Thing:
    """One shape of one colour."""

    colour: str
    shape: str

    def __str__(self) -> str:
        return f"{self.colour} {self.shape}"


@dataclass(frozen=True, slots=True)
class Single:
    """One thing, small or large."""

    size: str
    thing: Thing

    def __str__(self) -> str:
        return f"a {self.size} {self.thing}"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two different things, the first above or left of the second."""

    first: Thing
    relation: str
    second: Thing

    def __str__(self) -> str:
        return f"a {self.first} {self.relation} a {self.second}"


Scene = Single | Pair  # its text is the true sentence of its images


def random_scene(rng: Generator) -> Scene:
    """A single thing in two of five cases, else two different things."""
    first, second = _random_thing(rng), _random_thing(rng)
    if first == second or rng.random() < _SINGLE_SHARE:
        return Single(_pick(rng, SIZES), first)
    return Pair(first, _pick(rng, RELATIONS), second)


def near_miss(scene: Scene, rng: Generator) -> Scene:
    """A scene whose sentence is close to that of `scene`, but false for its images."""
    if isinstance(scene, Single):
        misses: list[Scene] = [
            replace(scene, size=_pick(rng, SIZES, scene.size)),
            replace(scene, thing=_near_thing(scene.thing, rng)),
        ]
    else:
        misses = _near_pairs(scene, rng)
    return misses[int(rng.integers(len(misses)))]


def vocabulary() -> list[str]:
    """Every word of the prompt and of all sentences, once."""
    phrases = (PROMPT, *COLOURS, *SHAPES, *SIZES, *RELATIONS)
    return sorted({word for phrase in phrases for word in phrase.split()})


def _near_pairs(pair: Pair, rng: Generator) -> list[Scene]:
    first, second = pair.first, pair.second
    near = [
        replace(pair, relation=_pick(rng, RELATIONS, pair.relation)),
        Pair(second, pair.relation, first),
        replace(pair, first=_near_thing(first, rng)),
        replace(pair, second=_near_thing(second, rng)),
        Pair(Thing(second.colour, first.shape), pair.relation, Thing(first.colour, second.shape)),
    ]
    return [other for other in near if other != pair and other.first != other.second]


def _near_thing(thing: Thing, rng: Generator) -> Thing:
    if rng.random() < 0.5:  # noqa: PLR2004 -- a fair coin
        return replace(thing, colour=_pick(rng, COLOURS, thing.colour))
    return replace(thing, shape=_pick(rng, SHAPES, thing.shape))


def _random_thing(rng: Generator) -> Thing:
    return Thing(_pick(rng, COLOURS), _pick(rng, SHAPES))


def _pick(rng: Generator, words: Sequence[str], other_than: str | None = None) -> str:
    choice = [word for word in words if word != other_than]
    return choice[int(rng.integers(len(choice)))]

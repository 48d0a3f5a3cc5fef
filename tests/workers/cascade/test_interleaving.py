"""Passes that share the device: what is computed behind another's steps is what would be computed alone."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from itertools import islice

import numpy as np
import pytest
import torch

from tests.logs import log_lines
from tests.workers.cascade.toy_cascade import SAMPLING, toy_cascade
from workers.captions import Captions, Image, ModelInputs
from workers.cascade import upcoming
from workers.cascade.background import TowerWork
from workers.cascade.blip.captioner import BlipCaptioner
from workers.cascade.cascade import Cascade
from workers.cascade.clip.clip import Clip
from workers.toy.drawing import UNSEEN, draw_scenes
from workers.toy.quality import SIDES

PASSES, IMAGES = 3, 4

pytestmark = pytest.mark.models


def interleaved(look_ahead: Callable[[Sequence[Image]], TowerWork] | None = None) -> Cascade:
    """The same models, as a GPU has them."""
    made = toy_cascade()
    captioner = made.captioner
    assert isinstance(captioner, BlipCaptioner)
    return Cascade(
        captioner,
        made._ranker,
        made._selector,
        SAMPLING,
        made.dtype,
        look_ahead=look_ahead or captioner.look_ahead,
    )


@cache
def passes() -> list[list[ModelInputs]]:
    drawn = islice(draw_scenes(UNSEEN, 6, SIDES), PASSES * IMAGES)
    inputs = [toy_cascade().prepare(np.asarray(image)) for _, image in drawn]
    return [inputs[first : first + IMAGES] for first in range(0, len(inputs), IMAGES)]


def keys(number: int) -> range:
    return range(number * IMAGES, (number + 1) * IMAGES)


@cache
def alone() -> list[list[Captions]]:
    return [toy_cascade().caption(list(inputs), keys(number)) for number, inputs in enumerate(passes())]


def in_a_row(cascade: Cascade) -> list[list[Captions]]:
    """Each pass knows the next one."""
    with ExitStack() as announced:
        for inputs in passes():
            announced.enter_context(cascade.announce(inputs))
        return [cascade.caption(inputs, keys(number)) for number, inputs in enumerate(passes())]


class Towers:
    """Which images go through the captioner's vision tower, and how often."""

    def __init__(self, captioner: BlipCaptioner, patch: pytest.MonkeyPatch) -> None:
        self.batches: list[int] = []
        embed = captioner.vision.embeddings.forward

        def noted(pixels: torch.Tensor, *rest: object, **named: object) -> torch.Tensor:
            self.batches.append(len(pixels))
            return embed(pixels, *rest, **named)  # type: ignore[arg-type]

        patch.setattr(captioner.vision.embeddings, "forward", noted)


def test_interleaved_passes_say_what_each_says_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the last bit of every similarity: an image is encoded among those of its own pass."""
    captioner = toy_cascade().captioner
    assert isinstance(captioner, BlipCaptioner)
    expected, towers = alone(), Towers(captioner, monkeypatch)
    assert in_a_row(interleaved()) == expected
    assert towers.batches == [IMAGES] * PASSES


def test_the_next_pass_is_encoded_behind_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    captioner = toy_cascade().captioner
    assert isinstance(captioner, BlipCaptioner)
    towers, cascade = Towers(captioner, monkeypatch), interleaved()
    first, second, _ = passes()
    with cascade.announce(first), cascade.announce(second):
        cascade.caption(first, keys(0))
        assert towers.batches == [IMAGES, IMAGES]
        cascade.caption(second, keys(1))
    assert towers.batches == [IMAGES, IMAGES]


def test_a_cpu_looks_at_no_pass_but_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    captioner = toy_cascade().captioner
    assert isinstance(captioner, BlipCaptioner)
    towers = Towers(captioner, monkeypatch)
    first, second, _ = passes()
    with toy_cascade().announce(first), toy_cascade().announce(second):
        assert toy_cascade().caption(first, keys(0)) == alone()[0]
    assert towers.batches[-1:] == [IMAGES]
    assert len(towers.batches) <= 1 + PASSES  # of `alone`, if nobody has asked before


def test_a_pass_that_never_comes_is_forgotten() -> None:
    cascade = interleaved()
    first, second, third = passes()
    with cascade.announce(second):
        assert cascade.caption(first, keys(0)) == alone()[0]
    assert cascade._upcoming._passes == []
    assert cascade.caption(third, keys(2)) == alone()[2]


def test_what_fails_ahead_fails_no_other_pass() -> None:
    """The pass that it belongs to computes it again, and would fail by itself."""
    captioner = toy_cascade().captioner
    assert isinstance(captioner, BlipCaptioner)
    for error in (ValueError("an image"), torch.OutOfMemoryError("CUDA out of memory")):

        def broken(images: Sequence[Image], error: Exception = error) -> TowerWork:
            if any(image is passes()[1][0].captioner for image in images):
                yield
                raise error
            yield from captioner.look_ahead(images)

        with log_lines(upcoming) as logs:
            assert in_a_row(interleaved(broken)) == alone()
        assert [line["error"] for line in logs] == [str(error)]


def test_memory_that_runs_out_ends_the_looking_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    cascade = interleaved()
    sample = cascade.captioner.sample

    def narrow(images: Sequence[Image], *arguments: object) -> list[list[str]]:
        if len(images) > IMAGES // 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return sample(images, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(cascade.captioner, "sample", narrow)
    found = [[own.top for own in captions] for captions in in_a_row(cascade)]
    assert found == [[own.top for own in captions] for captions in alone()]
    assert cascade.passes.size == IMAGES // 2
    with cascade.announce(passes()[0]):
        assert cascade._upcoming._passes == []


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    made = toy_cascade()
    assert isinstance(made._ranker, Clip)
    assert isinstance(made.captioner, BlipCaptioner)
    made.captioner.release()
    made._ranker._ahead.clear()

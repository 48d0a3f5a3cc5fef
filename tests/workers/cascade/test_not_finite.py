"""Numbers that are not finite end the captions of their own image, and reach no other: in no pass."""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import islice

import numpy as np
import pytest
import torch
from torch import Tensor

from common.settings import SamplingSettings
from tests.workers.cascade.toy_cascade import toy_cascade
from workers.captions import Captions, ModelInputs
from workers.cascade.blip.captioner import BlipCaptioner
from workers.cascade.blip.incremental_decoder import BlipDecoder
from workers.cascade.sampling.device_sampler import Draws
from workers.cascade.sampling.nodes import Numbers
from workers.cascade.sampling.samplers import NOT_FINITE, Lanes, random_sampler
from workers.toy.drawing import UNSEEN, draw_scenes
from workers.toy.quality import SIDES

IMAGES, POISONED = 6, 2

pytestmark = pytest.mark.models


@cache
def inputs() -> list[ModelInputs]:
    return [
        toy_cascade().prepare(np.asarray(image)) for _, image in islice(draw_scenes(UNSEEN, 6, SIDES), IMAGES)
    ]


@pytest.fixture(params=["exact", "fixed sizes"])
def captioner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> BlipCaptioner:
    """The toy captioner, with steps as on a CPU and as on a GPU."""
    made = toy_cascade().captioner
    assert isinstance(made, BlipCaptioner)
    if request.param == "fixed sizes":
        monkeypatch.setattr(made, "captures", True)
    made.release()
    return made


def caption() -> list[Captions]:
    return toy_cascade().caption(inputs(), range(IMAGES))


def poison_features(patch: pytest.MonkeyPatch, captioner: BlipCaptioner, value: float) -> None:
    encode = captioner.encode_images

    def encode_images(images: Sequence[object]) -> Tensor:
        with torch.inference_mode():
            features = encode(images)  # type: ignore[arg-type]
            features[POISONED, 0, 0] = value
        return features

    patch.setattr(captioner, "encode_images", encode_images)


def poison_logits(patch: pytest.MonkeyPatch, captioner: BlipCaptioner, value: float) -> None:
    """From the second step on: by what the decoder keeps of those nodes."""
    step, decoders = BlipDecoder.step, set[int]()

    def poisoned(decoder: BlipDecoder, tokens: Numbers, parents: Numbers) -> Tensor | Draws:
        if id(decoder) not in decoders:  # once: another image may take the place of one that has ended
            decoders.add(id(decoder))
            with torch.inference_mode():
                rows = np.flatnonzero(decoder._images == POISONED)
                decoder._cache.self_kv[:, :, rows, : decoder._length] = value
        return step(decoder, tokens, parents)

    patch.setattr(BlipDecoder, "step", poisoned)


@pytest.mark.parametrize(
    ("poison", "value"),
    [(poison_features, float("nan")), (poison_features, float("inf")), (poison_logits, float("nan"))],
)
def test_one_image_loses_its_captions_and_no_other(
    captioner: BlipCaptioner,
    monkeypatch: pytest.MonkeyPatch,
    poison: Callable[[pytest.MonkeyPatch, BlipCaptioner, float], None],
    value: float,
) -> None:
    clean = caption()
    with monkeypatch.context() as patch:
        poison(patch, captioner, value)
        found = caption()
    assert found[POISONED].fault == "non-finite features or logits of the captioner"
    assert found[POISONED].candidates == ()
    others = [number for number in range(IMAGES) if number != POISONED]
    assert words([found[number] for number in others]) == words([clean[number] for number in others])
    assert words(caption()) == words(clean)


def words(captions: Sequence[Captions]) -> list[tuple[str, set[str]]]:
    """Without similarities, whose last digits depend on what shares a pass."""
    return [(own.top, set(own.candidates)) for own in captions]


@pytest.mark.parametrize("judge", ["ranker", "selector"])
def test_a_judge_that_gives_no_number_is_named(monkeypatch: pytest.MonkeyPatch, judge: str) -> None:
    clean = caption()
    made = getattr(toy_cascade(), f"_{judge}")
    similarities = made.similarities

    def broken(images: Sequence[object], captions: Sequence[Sequence[str]]) -> list[list[float]]:
        found: list[list[float]] = similarities(images, captions)
        found[POISONED][-1] = float("nan")
        return found

    monkeypatch.setattr(made, "similarities", broken)
    found = caption()
    assert found[POISONED].fault == f"non-finite similarities of the {judge}"
    assert found[:POISONED] == clean[:POISONED]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_no_token_is_drawn_from_what_is_not_finite(value: float) -> None:
    logits = torch.randn(2, 50)
    logits[1, 3] = value
    lanes = Lanes(np.arange(4), np.array([0, 0, 1, 1]))
    sample = random_sampler([1, 2], 49, SamplingSettings(lanes=2), torch.device("cpu"))
    drawn = sample(logits, np.zeros((2, 3), np.int64), 6, lanes)
    assert (drawn[:2] >= -1).all()
    assert (drawn[2:] == NOT_FINITE).all()

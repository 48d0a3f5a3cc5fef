"""The toy models through the whole cascade: the committed weights are good, and the steps are worth it."""

from itertools import islice

import numpy as np
import pytest
from PIL import Image

from workers.captions import Captions
from workers.cascade.cascade import Cascade
from workers.toy.drawing import UNSEEN, draw_scenes
from workers.toy.quality import SIDES, load_toy, measure
from workers.toy.world import SHAPES

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def cascade() -> Cascade:
    return load_toy()


def captions(cascade: Cascade, image: Image.Image, key: int) -> Captions:
    return cascade.caption([cascade.prepare(np.asarray(image))], [key])[0]


def test_quality(cascade: Cascade) -> None:
    """Floors below those of 500 pictures, where `python -m workers.toy.quality` measures."""
    found = measure(cascade, islice(draw_scenes(UNSEEN, 1, SIDES), 60))
    assert found.greedy >= 0.85
    assert found.sample >= 0.55
    assert found.top >= 0.8
    assert found.top >= found.sample + 0.05
    assert found.top >= found.ranker - 0.03


def test_same_key_same_captions_whatever_shares_the_batch(cascade: Cascade) -> None:
    inputs = [cascade.prepare(np.asarray(image)) for _, image in islice(draw_scenes(UNSEEN, 2), 4)]
    keys = [2**64 - 1, 0, 2**63, 77]
    together = cascade.caption(inputs, keys)
    backwards = cascade.caption(inputs[::-1], keys[::-1])[::-1]
    alone = [cascade.caption([image], [key])[0] for image, key in zip(inputs, keys, strict=True)]
    assert [sorted(own.candidates) for own in together] == [sorted(own.candidates) for own in alone]
    assert [own.top for own in together] == [own.top for own in backwards] == [own.top for own in alone]
    for own, same in zip(together, alone, strict=True):
        assert dict(zip(own.candidates, own.similarities, strict=True)) == pytest.approx(
            dict(zip(same.candidates, same.similarities, strict=True)), abs=1e-5
        )


def test_other_keys_give_other_captions(cascade: Cascade) -> None:
    _, image = next(draw_scenes(UNSEEN, 2))
    assert captions(cascade, image, 1).candidates != captions(cascade, image, 2).candidates


def test_the_captions_are_in_order(cascade: Cascade) -> None:
    for key, (_, image) in enumerate(islice(draw_scenes(UNSEEN, 3), 5)):
        found = captions(cascade, image, key)
        assert len(set(found.candidates)) == len(found.candidates) == len(found.similarities)
        assert list(found.similarities) == sorted(found.similarities, reverse=True)
        assert set(found.shortlist) == set(found.candidates[:5])
        assert list(found.shortlist_similarities) == sorted(found.shortlist_similarities, reverse=True)
        assert found.top == found.shortlist[0]
        assert all(-1 <= cosine <= 1 for cosine in found.similarities + found.shortlist_similarities)
        assert not any(caption.startswith("a picture of") for caption in found.candidates)


@pytest.mark.parametrize("sides", [(1, 1), (3000, 4), (301, 200)])
def test_images_of_any_size(cascade: Cascade, sides: tuple[int, int]) -> None:
    scene, image = next(draw_scenes(UNSEEN, 4, (300, 300)))
    found = captions(cascade, image.resize(sides), 1)
    assert any(shape in found.top for shape in SHAPES)
    if min(sides) > 100:
        assert found.top == str(scene)


def test_a_cpu_runs_in_float32(cascade: Cascade) -> None:
    assert cascade.dtype == "float32"

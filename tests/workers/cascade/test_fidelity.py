"""What the models see, beside what their own preprocessing would show them."""

from io import BytesIO
from itertools import islice

import numpy as np
import pytest
from numpy.typing import NDArray
from open_clip.transform import image_transform
from PIL import Image

from tests.benchmarks.images import draw_images
from workers.captions import ModelInputs
from workers.cascade.cascade import Cascade
from workers.cascade.pixels import Fit, Preprocessing, Resampling
from workers.decode.decoder import decode
from workers.toy import drawing as toy
from workers.toy.quality import load_toy

Pixels = NDArray[np.uint8]
SHAPES = ((384, Fit.SQUASH), (224, Fit.SHORTEST), (448, Fit.SHORTEST))
HALF = (0.5,) * 3


def theirs(image: Image.Image, side: int, fit: Fit) -> Pixels:
    """Pillow's resizing, as BLIP's image processor (squash) and open_clip's transform (shortest) call it."""
    if fit is Fit.SQUASH:
        return np.asarray(image.resize((side, side), Resampling.BICUBIC))
    resize, crop, *_ = image_transform(side, is_train=False, interpolation="bicubic").transforms
    return np.asarray(crop(resize(image)))


@pytest.fixture(scope="module")
def bodies() -> list[bytes]:
    return list(draw_images(40))


@pytest.mark.parametrize(("side", "fit"), SHAPES)
def test_pixels_are_those_of_the_models_own_preprocessing(bodies: list[bytes], side: int, fit: Fit) -> None:
    """Levels of 255, the mean over pixels and channels of each image."""
    own = Preprocessing(side, fit, Resampling.BICUBIC, HALF, HALF)
    means = []
    for body in bodies:
        expected = theirs(Image.open(BytesIO(body)).convert("RGB"), side, fit)
        seen = own.resize(decode(body, max_pixels=50_000_000))
        means.append(np.abs(seen.astype(int) - expected).mean())
    assert np.mean(means) <= 0.05
    assert max(means) <= 0.3


def _through_pillow(cascade: Cascade, image: Image.Image) -> ModelInputs:
    resized = []
    for model in (cascade.captioner, cascade._ranker, cascade._selector):
        assert isinstance(model.preprocessing, Preprocessing)
        resized.append(theirs(image, model.preprocessing.side, model.preprocessing.fit))
    return ModelInputs(*resized)


@pytest.mark.models
def test_toy_captions_do_not_change_with_the_resizing() -> None:
    """Images of another size and shape than the models', so that every resizing has work to do."""
    cascade = load_toy()
    drawn = [
        image.resize((330, 250), Image.Resampling.LANCZOS)
        for _, image in islice(toy.draw_scenes(toy.UNSEEN, 0, sides=(96, 96)), 40)
    ]
    own = [cascade.prepare(np.asarray(image)) for image in drawn]
    pillow = [_through_pillow(cascade, image) for image in drawn]
    assert any(not np.array_equal(a.captioner, b.captioner) for a, b in zip(own, pillow, strict=True))
    keys = range(len(drawn))
    tops = [[found.top for found in cascade.caption(inputs, keys)] for inputs in (own, pillow)]
    assert tops[0] == tops[1]

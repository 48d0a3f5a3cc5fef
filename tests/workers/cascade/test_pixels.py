"""Preprocessing against the models' own processors."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from open_clip import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from open_clip.transform import image_transform
from PIL import Image
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

from workers.cascade.pixels import Fit, Preprocessing, Resampling, require_image

SHAPES = [(300, 400), (400, 300), (224, 224), (97, 1003), (51, 50), (1, 1), (3, 900)]


def photograph(height: int, width: int) -> NDArray[np.uint8]:
    """Smooth gradients and some noise."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    noise = np.random.default_rng(0).normal(0, 8, (height, width, 3))
    waves = np.stack([np.sin(9 * x), np.cos(7 * y), np.sin(5 * (x + y))], axis=-1)
    return (128 + 100 * waves + noise).clip(0, 255).astype(np.uint8)


def preprocessing(side: int, fit: Fit) -> Preprocessing:
    return Preprocessing(side, fit, Resampling.BICUBIC, OPENAI_DATASET_MEAN, OPENAI_DATASET_STD)


def pixels(own: Preprocessing, image: NDArray[np.uint8]) -> torch.Tensor:
    return own.normalise([own.resize(image)], torch.device("cpu"), torch.float32)[0]


def assert_close(own: torch.Tensor, expected: torch.Tensor, std: Sequence[float]) -> None:
    """Two of the 256 levels at most, a third of one on average; a shift by one pixel gives ten."""
    difference = (own - expected).abs()
    one_level = 1 / 255 / min(std)
    assert difference.max() <= 2 * one_level + 1e-5
    assert difference.mean() < one_level / 3


@pytest.mark.parametrize("shape", SHAPES)
def test_blip_preprocessing_is_that_of_transformers(shape: tuple[int, int]) -> None:
    image = photograph(*shape)
    expected = BlipImageProcessorPil()(Image.fromarray(image), return_tensors="pt")["pixel_values"][0]
    assert_close(pixels(preprocessing(384, Fit.SQUASH), image), expected, OPENAI_DATASET_STD)


@pytest.mark.parametrize("fit", list(Fit))
@pytest.mark.parametrize("shape", SHAPES)
def test_clip_preprocessing_is_that_of_open_clip(shape: tuple[int, int], fit: Fit) -> None:
    image = photograph(*shape)
    transform = image_transform(224, is_train=False, resize_mode=fit.value, interpolation="bicubic")
    assert_close(
        pixels(preprocessing(224, fit), image), transform(Image.fromarray(image)), OPENAI_DATASET_STD
    )


def test_what_torchvision_cannot_resize_as_pillow_does_pillow_resizes() -> None:
    image = photograph(300, 400)
    own = replace(preprocessing(224, Fit.SQUASH), resampling=Resampling.LANCZOS)
    expected = np.asarray(Image.fromarray(image).resize((224, 224), Resampling.LANCZOS))
    assert np.array_equal(own.resize(image), expected)


def test_a_stripe_needs_no_image_of_terabytes() -> None:
    stripe = np.full((1, 5_000_000, 3), 77, np.uint8)
    assert preprocessing(224, Fit.SHORTEST).resize(stripe).shape == (224, 224, 3)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 1), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((2, 4, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.float32),
    ],
    ids=lambda image: f"{image.dtype}{image.shape}",
)
def test_other_arrays_are_refused_by_shape(image: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match=r"expected an image of uint8 \[height, width, 3\], got ") as raised:
        require_image(image)
    assert str(image.shape) in str(raised.value)

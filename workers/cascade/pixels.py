"""Preprocessing: images to the input sizes of the models; the CPU work of one image."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch
from PIL import Image as PillowImage
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as torchvision

from workers.captions import Image
from workers.cascade.device import to_device

Resampling = PillowImage.Resampling

_FAST = {Resampling.BICUBIC: InterpolationMode.BICUBIC, Resampling.BILINEAR: InterpolationMode.BILINEAR}
"""Torchvision resizes uint8 with these as Pillow does, four times as fast (`tests/benchmarks/decode.py`)."""

_STRIPE = 16
"""Aspect ratio from which on only the part inside the crop is resized."""


class Fit(StrEnum):
    """How an image is fitted into the square, in open_clip's words."""

    SQUASH = "squash"  # both sides are scaled; the aspect ratio is lost
    SHORTEST = "shortest"  # the shorter side is scaled, the longer one centre-cropped


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """Input size, resampling and normalisation of one model."""

    side: int
    fit: Fit
    resampling: Resampling
    mean: tuple[float, ...]  # of each channel, after scaling to 0..1
    std: tuple[float, ...]

    def resize(self, image: Image) -> Image:
        """uint8 [height, width, 3] -> uint8 [side, side, 3]."""
        if self.resampling in _FAST and max(image.shape[:2]) < _STRIPE * min(image.shape[:2]):
            return self._resize_whole(image)
        return self._resize_box(image)

    def _resize_whole(self, image: Image) -> Image:
        pixels = torch.from_numpy(np.require(image, requirements=("C", "W"))).permute(2, 0, 1)
        size = [self.side, self.side] if self.fit is Fit.SQUASH else [self.side]
        resized = torchvision.resize(pixels, size, _FAST[self.resampling], antialias=True)
        cropped: Tensor = torchvision.center_crop(resized, [self.side, self.side])
        return cropped.permute(1, 2, 0).numpy()

    def _resize_box(self, image: Image) -> Image:
        height, width = image.shape[:2]
        box = None if self.fit is Fit.SQUASH else _crop_box(width, height, self.side)
        resized = PillowImage.fromarray(image).resize((self.side, self.side), self.resampling, box=box)
        return np.asarray(resized)

    def normalise(self, images: Sequence[Image], device: torch.device, dtype: torch.dtype) -> Tensor:
        """Resized images -> [images, 3, side, side]; uint8 is copied to the device and converted there."""
        pixels = to_device(np.stack(images), device).permute(0, 3, 1, 2)
        mean, std = (torch.tensor(x, device=device).view(3, 1, 1) for x in (self.mean, self.std))
        return ((pixels.float() / 255 - mean) / std).to(dtype).contiguous()


def require_image(image: Image) -> None:
    """Raises ValueError unless `image` is uint8 [height, width, 3] with at least one pixel."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:  # noqa: PLR2004
        raise ValueError(f"expected an image of uint8 [height, width, 3], got {image.dtype} {image.shape}")


def _crop_box(width: int, height: int, side: int) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the centre crop after the shorter side is scaled to `side`.

    As torchvision's Resize and CenterCrop place it, but without the resized image, which for
    1 x 50,000,000 pixels would take terabytes.
    """
    left, right = _crop_side(width, min(width, height), side)
    top, bottom = _crop_side(height, min(width, height), side)
    return left, top, right, bottom


def _crop_side(length: int, shortest: int, side: int) -> tuple[float, float]:
    scaled = side * length // shortest
    start = round((scaled - side) / 2)
    return start * length / scaled, (start + side) * length / scaled

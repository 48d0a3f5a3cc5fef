"""The images of a pass on their way to the device: written once, into pinned memory."""

from collections.abc import Generator, Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor

from workers.captions import Image
from workers.cascade.background import run_through
from workers.cascade.pixels import Preprocessing

WRITTEN_AT_ONCE: Final = 16
"""Images: the host writes them in a millisecond or two, as long as the device has other work."""


class PixelBuffer:
    """A model's images, normalised on the device by one kernel that reads bytes.

    A CPU has no use for it and computes as the libraries do, to the last bit.
    """

    def __init__(self, preprocessing: Preprocessing, device: torch.device, dtype: torch.dtype) -> None:
        self._preprocessing, self._device, self._dtype = preprocessing, device, dtype
        scale = [1 / (255 * std) for std in preprocessing.std]
        shift = [-mean / std for mean, std in zip(preprocessing.mean, preprocessing.std, strict=True)]
        self._scale, self._shift = (torch.tensor(values, device=device) for values in (scale, shift))

    def load(self, images: Sequence[Image]) -> Tensor:
        """Resized images -> [images, 3, side, side], channels last in a GPU's memory."""
        return run_through(self.load_in_stages(images))

    def load_in_stages(self, images: Sequence[Image]) -> Generator[None, None, Tensor]:
        """As `load`: yields between parts of the host's work."""
        if self._device.type == "cpu":
            return self._preprocessing.normalise(images, self._device, self._dtype)
        return (yield from self._copy(images))

    def _copy(self, images: Sequence[Image]) -> Generator[None, None, Tensor]:
        pinned = self._allocate(len(images))
        for first in range(0, len(images), WRITTEN_AT_ONCE):
            if first:
                yield
            self._write(images[first : first + WRITTEN_AT_ONCE], pinned[first:])
        return self._send(pinned).permute(0, 3, 1, 2)

    def _allocate(self, images: int) -> Tensor:
        """Bytes [images, side, side, 3]; torch keeps pinned memory for the next pass, until it was copied."""
        side, pinned = self._preprocessing.side, self._device.type == "cuda"
        return torch.empty(images, side, side, 3, dtype=torch.uint8, pin_memory=pinned)

    def _write(self, images: Sequence[Image], pinned: Tensor) -> None:
        np.stack(images, out=pinned[: len(images)].numpy())

    def _send(self, pinned: Tensor) -> Tensor:
        """Bytes [images, side, side, 3] -> the same shape on the device, normalised."""
        pixels = pinned.to(self._device, non_blocking=True)
        result = torch.empty(pixels.shape, dtype=self._dtype, device=self._device)
        return torch.addcmul(self._shift, pixels, self._scale, out=result)

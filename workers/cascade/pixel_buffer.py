"""The images of a pass on their way to the device: written once, into memory that is used again."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from workers.captions import Image
from workers.cascade.pixels import Preprocessing


class PixelBuffer:
    """A model's images, normalised on the device by one kernel that reads bytes.

    A CPU has no use for it and computes as the libraries do, to the last bit.
    """

    def __init__(self, preprocessing: Preprocessing, device: torch.device, dtype: torch.dtype) -> None:
        self._preprocessing, self._device, self._dtype = preprocessing, device, dtype
        self._pinned = torch.empty(0, dtype=torch.uint8)
        scale = [1 / (255 * std) for std in preprocessing.std]
        shift = [-mean / std for mean, std in zip(preprocessing.mean, preprocessing.std, strict=True)]
        self._scale, self._shift = (torch.tensor(values, device=device) for values in (scale, shift))
        self._copied = torch.cuda.Event() if device.type == "cuda" else None  # type: ignore[no-untyped-call]

    def load(self, images: Sequence[Image]) -> Tensor:
        """Resized images -> [images, 3, side, side], channels last in a GPU's memory."""
        if self._device.type == "cpu":
            return self._preprocessing.normalise(images, self._device, self._dtype)
        return self._copy(images).permute(0, 3, 1, 2)

    def _copy(self, images: Sequence[Image]) -> Tensor:
        """[images, side, side, 3], normalised."""
        pixels = self._write(images).to(self._device, non_blocking=True)
        if self._copied is not None:
            self._copied.record()
        result = torch.empty(pixels.shape, dtype=self._dtype, device=self._device)
        return torch.addcmul(self._shift, pixels, self._scale, out=result)

    def _write(self, images: Sequence[Image]) -> Tensor:
        """Into pinned memory, as soon as the last pass's images have left it."""
        side, pinned = self._preprocessing.side, self._device.type == "cuda"
        if len(self._pinned) < len(images):
            self._pinned = torch.empty(len(images), side, side, 3, dtype=torch.uint8, pin_memory=pinned)
        if self._copied is not None:
            self._copied.synchronize()
        np.stack(images, out=self._pinned[: len(images)].numpy())
        return self._pinned[: len(images)]

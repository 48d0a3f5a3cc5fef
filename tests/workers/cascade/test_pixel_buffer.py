"""Images on their way to the device."""

import numpy as np
import torch

from tests.workers.cascade.test_pixels import photograph, preprocessing
from workers.cascade.background import run_through
from workers.cascade.pixel_buffer import WRITTEN_AT_ONCE, PixelBuffer
from workers.cascade.pixels import Fit


def test_a_cpu_computes_as_the_libraries_do() -> None:
    own = preprocessing(32, Fit.SQUASH)
    images = [own.resize(photograph(40, 50)), own.resize(photograph(50, 40))]
    buffer = PixelBuffer(own, torch.device("cpu"), torch.float32)
    assert torch.equal(buffer.load(images), own.normalise(images, torch.device("cpu"), torch.float32))


def test_a_device_gets_them_in_parts_that_the_host_writes_one_by_one() -> None:
    own, count = preprocessing(32, Fit.SQUASH), 2 * WRITTEN_AT_ONCE + 1
    images = [own.resize(photograph(40 + index, 50)) for index in range(count)]
    buffer = PixelBuffer(own, torch.device("cpu"), torch.float32)
    expected = own.normalise(images, torch.device("cpu"), torch.float32)
    first, second = buffer._copy(images), buffer._copy(images[::-1])  # what a GPU computes
    assert list(first) == [None, None]
    next(second)  # other images half-way written change nothing
    found = run_through(buffer._copy(images))
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(found, expected, atol=1e-5)
    assert torch.allclose(run_through(second), expected.flip(0), atol=1e-5)


def test_a_device_gets_its_own_precision() -> None:
    own = preprocessing(8, Fit.SQUASH)
    buffer = PixelBuffer(own, torch.device("meta"), torch.float16)
    image = np.full((8, 8, 3), 7, np.uint8)
    found = buffer.load([image, image])
    assert (found.dtype, found.shape) == (torch.float16, (2, 3, 8, 8))

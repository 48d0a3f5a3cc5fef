"""Images on their way to the device."""

import numpy as np
import torch

from tests.workers.cascade.test_pixels import photograph, preprocessing
from workers.cascade.pixel_buffer import PixelBuffer
from workers.cascade.pixels import Fit


def test_a_cpu_computes_as_the_libraries_do() -> None:
    own = preprocessing(32, Fit.SQUASH)
    images = [own.resize(photograph(40, 50)), own.resize(photograph(50, 40))]
    buffer = PixelBuffer(own, torch.device("cpu"), torch.float32)
    assert torch.equal(buffer.load(images), own.normalise(images, torch.device("cpu"), torch.float32))


def test_a_device_gets_them_in_one_buffer_that_grows() -> None:
    own = preprocessing(32, Fit.SQUASH)
    images = [own.resize(photograph(40 + index, 50)) for index in range(3)]
    buffer = PixelBuffer(own, torch.device("cpu"), torch.float32)
    expected = own.normalise(images, torch.device("cpu"), torch.float32)
    for some in (slice(0, 2), slice(0, 3), slice(1, 3)):
        found = buffer._copy(images[some]).permute(0, 3, 1, 2)  # what a GPU computes
        assert found.is_contiguous(memory_format=torch.channels_last)
        assert torch.allclose(found, expected[some], atol=1e-5)
    assert len(buffer._pinned) == 3


def test_nothing_is_copied_twice_on_the_host() -> None:
    own = preprocessing(8, Fit.SQUASH)
    buffer = PixelBuffer(own, torch.device("meta"), torch.float16)
    image = np.full((8, 8, 3), 7, np.uint8)
    first, second = buffer.load([image, image]), buffer.load([image])
    assert first.dtype == torch.float16
    assert (first.shape, second.shape) == ((2, 3, 8, 8), (1, 3, 8, 8))
    assert buffer._pinned.data_ptr() == buffer._write([image]).data_ptr()

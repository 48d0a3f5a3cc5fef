"""What happens when memory runs out, with the error that torch raises."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from common.settings import SamplingSettings
from tests.logs import log_lines
from tests.workers.cascade.test_cascade import Parrot, Table
from workers.captions import Image
from workers.cascade import passes as module
from workers.cascade.background import Background
from workers.cascade.blip.load_blip import load_blip
from workers.cascade.blip.text_decoder import TextDecoder
from workers.cascade.cascade import Cascade
from workers.cascade.passes import Passes
from workers.models.resolve import resolve_model


class Small:
    """A device with room for so many items."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.tried: list[int] = []
        self.released = 0

    def work(self, items: slice) -> list[int]:
        self.tried.append(items.stop - items.start)
        if self.tried[-1] > self.room:
            raise torch.OutOfMemoryError("out of memory")
        return list(range(items.start, items.stop))

    def release(self) -> None:
        self.released += 1


def test_a_pass_is_halved_until_it_fits_and_the_size_is_kept() -> None:
    device = Small(3)
    passes = Passes(device.release)
    with log_lines(module) as logs:
        assert passes.run(device.work, 10) == list(range(10))
    assert device.tried == [10, 5, 2, 2, 2, 2, 2]
    assert passes.run(device.work, 3) == [0, 1, 2]
    assert device.tried[7:] == [2, 1]
    assert device.released == 2
    assert [entry["images_per_pass"] for entry in logs] == [5, 2]


def test_one_that_is_too_much_is_an_error() -> None:
    device = Small(0)
    with pytest.raises(torch.OutOfMemoryError):
        Passes(device.release).run(device.work, 4)
    assert device.tried == [4, 2, 1]


def test_other_errors_are_not_caught() -> None:
    def broken(_: slice) -> list[int]:
        raise RuntimeError("no memory problem")

    with pytest.raises(RuntimeError, match="no memory problem"):
        Passes(lambda: None).run(broken, 4)


class Narrow(Parrot):
    """A captioner with room for two images."""

    released = False

    def sample(
        self, images: Sequence[Image], keys: Sequence[int], background: Background | None = None
    ) -> list[list[str]]:
        if background is not None:
            background.advance()
        if len(images) > 2:
            raise torch.OutOfMemoryError("out of memory")
        return [[f"caption {key}"] for key in keys]

    def release(self) -> None:
        self.released = True


class Same(Table):
    def similarities(self, images: Sequence[Image], captions: Sequence[Sequence[str]]) -> list[list[float]]:
        return [[0.5] * len(own) for own, _ in zip(captions, images, strict=True)]


def test_the_cascade_goes_on_with_the_same_images() -> None:
    captioner = Narrow("a")
    cascade = Cascade(captioner, Same(), Same(), SamplingSettings(), "float32")
    image = cascade.prepare(np.zeros((1, 1, 3), np.uint8))
    found = cascade.caption([image] * 7, range(7))
    assert [captions.top for captions in found] == [f"caption {key}" for key in range(7)]
    assert cascade.passes.size == 1
    assert captioner.released


@pytest.mark.models
def test_a_captioner_that_ran_out_of_memory_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error strikes where the cache is made; released, the captioner says what it would have."""
    captioner = load_blip(
        resolve_model("toy/captioner"), SamplingSettings(max_tokens=(8,)), torch.device("cpu"), torch.float32
    )
    rng = np.random.default_rng(0)
    side = captioner.preprocessing.side
    images = [rng.integers(0, 256, (side, side, 3)).astype(np.uint8) for _ in range(2)]
    expected = captioner.decode_greedy(images)

    def out_of_memory(*_: object) -> None:
        raise torch.OutOfMemoryError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(TextDecoder, "new_cache", out_of_memory)
        captioner.release()
        with pytest.raises(torch.OutOfMemoryError):
            captioner.decode_greedy(images)
    assert captioner.decode_greedy(images) == expected

"""The order of captions, and what the cascade does with odd input."""

from collections.abc import Generator, Sequence

import numpy as np
import pytest
from prometheus_client import REGISTRY

from common.metrics import Stage
from common.settings import SamplingSettings
from workers.captions import Captions, Image
from workers.cascade.background import Background
from workers.cascade.cascade import Cascade, deduplicate, sort_by_similarity
from workers.cascade.pixels import Fit, Preprocessing, Resampling

TINY = Preprocessing(2, Fit.SQUASH, Resampling.BICUBIC, (0.5,) * 3, (0.5,) * 3)


class Parrot:
    """A captioner that always says the same."""

    preprocessing = TINY

    def __init__(self, *captions: str) -> None:
        self.captions = list(captions)

    def sample(
        self, images: Sequence[Image], keys: Sequence[int], background: Background | None = None
    ) -> list[list[str]]:
        if background is not None:
            background.advance()
        return [self.captions for _ in zip(images, keys, strict=True)]

    def decode_greedy(self, images: Sequence[Image]) -> list[str]:
        return [self.captions[0] for _ in images]

    def release(self) -> None:
        pass


class Table:
    """A ranker that looks its similarities up."""

    preprocessing = TINY

    def __init__(self, **similarities: float) -> None:
        self.table = similarities

    def look_ahead(self, images: Sequence[Image]) -> Generator[None, None, None]:
        yield from (None for _ in images)

    def similarities(self, images: Sequence[Image], captions: Sequence[Sequence[str]]) -> list[list[float]]:
        return [[self.table[caption] for caption in own] for own, _ in zip(captions, images, strict=True)]


def cascade(captioner: Parrot, ranker: Table, selector: Table, shortlist: int = 2) -> Cascade:
    return Cascade(captioner, ranker, selector, SamplingSettings(shortlist=shortlist), "float32")


def test_the_selector_sees_the_shortlist_only_and_decides() -> None:
    three = cascade(Parrot("b", "a", "", "b", "c"), Table(a=0.3, b=0.2, c=0.1), Table(a=0.5, b=0.6))
    image = three.prepare(np.zeros((1, 1, 3), np.uint8))
    assert (
        three.caption([image, image], [1, 2])
        == [
            Captions(
                candidates=("a", "b", "c"),
                similarities=(0.3, 0.2, 0.1),
                shortlist=("b", "a"),
                shortlist_similarities=(0.6, 0.5),
                top="b",
            )
        ]
        * 2
    )


def test_each_step_of_a_pass_is_timed() -> None:
    def timed() -> list[float]:
        names = (Stage.SAMPLE, Stage.RANK, Stage.SELECT)
        return [
            REGISTRY.get_sample_value("fleet_stage_seconds_count", {"stage": name}) or 0 for name in names
        ]

    three, before = cascade(Parrot("a"), Table(a=0.1), Table(a=0.1)), timed()
    three.caption([three.prepare(np.zeros((1, 1, 3), np.uint8))], [1])
    assert timed() == [count + 1 for count in before]


def test_equal_similarities_keep_their_order() -> None:
    assert sort_by_similarity(["x", "y", "z"], [0.1, 0.3, 0.3]) == (("y", "z", "x"), (0.3, 0.3, 0.1))


def test_deduplicate_keeps_order_and_drops_the_empty() -> None:
    assert deduplicate(["b", "", "a", "b"]) == ("b", "a")
    assert deduplicate(["", ""]) == ("",)


def test_no_images_give_no_captions() -> None:
    assert cascade(Parrot("a"), Table(a=0), Table(a=0)).caption([], []) == []


def test_a_key_for_each_image() -> None:
    three = cascade(Parrot("a"), Table(a=0), Table(a=0))
    with pytest.raises(ValueError, match="2 keys for 1 images"):
        three.caption([three.prepare(np.zeros((1, 1, 3), np.uint8))], [1, 2])


@pytest.mark.parametrize("shape", [(1, 1), (5, 5, 4)])
def test_prepare_names_the_shape_that_it_refuses(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"got uint8 \("):
        cascade(Parrot("a"), Table(a=0), Table(a=0)).prepare(np.zeros(shape, np.uint8))

"""The three steps: a captioner writes, a ranker keeps a shortlist, a selector picks the top caption."""

from collections.abc import Sequence
from typing import Protocol

from common.metrics import Stage, timed
from common.settings import SamplingSettings
from workers.captions import Captions, Image, ModelInputs
from workers.cascade.passes import Passes
from workers.cascade.pixels import check_image


class Resizer(Protocol):
    """The CPU work of one image."""

    def resize(self, image: Image) -> Image:
        """uint8 [height, width, 3] -> as its model reads it."""


class Captioner(Protocol):
    """Writes captions of pictures."""

    @property
    def preprocessing(self) -> Resizer: ...

    def sample(self, images: Sequence[Image], keys: Sequence[int]) -> list[list[str]]:
        """Random captions of each image; the same key gives the same ones."""

    def greedy(self, images: Sequence[Image]) -> list[str]:
        """The one caption of each image that needs no random numbers."""

    def release(self) -> None:
        """Give back the memory that is kept from batch to batch."""


class Ranker(Protocol):
    """Says how well captions fit pictures."""

    @property
    def preprocessing(self) -> Resizer: ...

    def similarities(self, images: Sequence[Image], captions: Sequence[Sequence[str]]) -> list[list[float]]:
        """Cosine of each image with each of its own captions."""


class Rewriter(Protocol):
    """Improves captions without seeing the pictures."""

    def rewrite(self, captions: Sequence[str]) -> list[str]:
        """One text for each."""


class Cascade:
    """Images in, captions with scores out.

    Source: the steps of the LAION-COCO announcement (Schuhmann et al. 2022).
    """

    def __init__(
        self,
        captioner: Captioner,
        ranker: Ranker,
        selector: Ranker,
        sampling: SamplingSettings,
        dtype: str,
        *,
        repairer: Rewriter | None = None,
    ) -> None:
        self.captioner = captioner
        self.dtype = dtype  # of the weights, such as float32
        self.passes = Passes(captioner.release)
        self._repairer = repairer
        self._ranker = ranker
        self._selector = selector
        self._shortlist = sampling.shortlist

    def prepare(self, image: Image) -> ModelInputs:
        """The CPU work of one image; may run in any thread.

        Raises:
            ValueError: `image` is not uint8 [height, width, 3] with at least one pixel.
        """
        check_image(image)
        models = (self.captioner, self._ranker, self._selector)
        return ModelInputs(*(model.preprocessing.resize(image) for model in models))

    def caption(self, inputs: Sequence[ModelInputs], keys: Sequence[int]) -> list[Captions]:
        """Captions of each image.

        Args:
            inputs: what `prepare` made of the images; may be empty.
            keys: a 64-bit integer for each image, its identity for the random numbers: in float32 the same
                key, image and settings give the same captions whatever else is in `inputs`.

        Raises:
            ValueError: there are not as many keys as images.
        """
        if len(inputs) != len(keys):
            raise ValueError(f"{len(keys)} keys for {len(inputs)} images")
        return self.passes.run(lambda some: self._caption(inputs[some], keys[some]), len(inputs))

    def _caption(self, inputs: Sequence[ModelInputs], keys: Sequence[int]) -> list[Captions]:
        with timed(Stage.SAMPLE):
            sampled = self.captioner.sample([image.captioner for image in inputs], keys)
        candidates = [distinct(own) for own in sampled]
        with timed(Stage.RANK):
            ranked = _ranked(self._ranker, [image.ranker for image in inputs], candidates)
        shortlists = [captions[: self._shortlist] for captions, _ in ranked]
        with timed(Stage.SELECT):
            selected = _ranked(self._selector, [image.selector for image in inputs], shortlists)
        tops = [captions[0] for captions, _ in selected]
        repaired = self._repairer.rewrite(tops) if self._repairer else [None] * len(tops)
        rows = zip(ranked, selected, tops, repaired, strict=True)
        return [Captions(*best, *few, top, better) for best, few, top, better in rows]


def distinct(captions: Sequence[str]) -> tuple[str, ...]:
    """Without repetitions and empty captions, in order; one empty caption where there is nothing else."""
    return tuple(dict.fromkeys(caption for caption in captions if caption)) or ("",)


def best_first(
    captions: Sequence[str], similarities: Sequence[float]
) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Sorted by similarity; equal ones keep their order."""
    order = sorted(range(len(captions)), key=lambda index: -similarities[index])
    return tuple(captions[index] for index in order), tuple(similarities[index] for index in order)


def _ranked(
    ranker: Ranker, images: Sequence[Image], captions: Sequence[Sequence[str]]
) -> list[tuple[tuple[str, ...], tuple[float, ...]]]:
    return list(map(best_first, captions, ranker.similarities(images, captions)))

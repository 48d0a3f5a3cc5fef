"""The three stages: captioner, ranker to a shortlist, selector of the top caption."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from math import isfinite
from typing import Protocol

from common.metrics import Stage, measure
from common.settings import SamplingSettings
from workers.captions import Captions, Image, ModelInputs, no_captions
from workers.cascade.background import Background
from workers.cascade.passes import Passes
from workers.cascade.pixels import require_image
from workers.cascade.upcoming import Pass, Tower, Upcoming


class Resizer(Protocol):
    """The CPU work of one image."""

    def resize(self, image: Image) -> Image:
        """uint8 [height, width, 3] -> the input size of its model."""


class Captioner(Protocol):
    """Generates captions of images."""

    @property
    def preprocessing(self) -> Resizer: ...

    def sample(
        self, images: Sequence[Image], keys: Sequence[int], background: Background | None = None
    ) -> list[list[str]]:
        """Random captions of each image, determined by its key; none where numbers are not finite.

        `background` may run meanwhile.
        """

    def decode_greedy(self, images: Sequence[Image]) -> list[str]:
        """The greedy caption of each image."""

    def release(self) -> None:
        """Free the memory that is kept between batches."""


class Ranker(Protocol):
    """Scores captions against images."""

    @property
    def preprocessing(self) -> Resizer: ...

    def look_ahead(self, images: Sequence[Image]) -> Generator[None, None, None]:
        """What `similarities` of the same sequence can do before there are captions, in pieces."""

    def similarities(self, images: Sequence[Image], captions: Sequence[Sequence[str]]) -> list[list[float]]:
        """Cosine of each image with each of its own captions."""


class Rewriter(Protocol):
    """Rewrites captions from their text alone."""

    def rewrite(self, captions: Sequence[str]) -> list[str]:
        """One text for each caption."""


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
        dtypes: Mapping[str, str] | None = None,
        repairer: Rewriter | None = None,
        look_ahead: Tower | None = None,
    ) -> None:
        """Three models, loaded.

        Args:
            captioner: writes candidates.
            ranker: orders them.
            selector: orders the shortlist.
            sampling: settings of drawing and choosing.
            dtype: of the captioner's weights, such as float32.
            dtypes: of a role's weights, where they have another.
            repairer: rewrites top captions.
            look_ahead: the captioner's; with it the towers of one pass work behind the steps of another.
        """
        self.captioner = captioner
        self.dtype = dtype
        self.dtypes: Mapping[str, str] = dtypes or {}
        self.passes = Passes(self._release)
        self._look_ahead = look_ahead
        self._upcoming = Upcoming(self._new_pass)
        self._repairer = repairer
        self._ranker = ranker
        self._selector = selector
        self._shortlist = sampling.shortlist

    @property
    def models(self) -> Mapping[str, Captioner | Ranker]:
        """By role."""
        return {"captioner": self.captioner, "ranker": self._ranker, "selector": self._selector}

    def prepare(self, image: Image) -> ModelInputs:
        """The CPU work of one image; may run in any thread.

        Raises:
            ValueError: `image` is not uint8 [height, width, 3] with at least one pixel.
        """
        require_image(image)
        models = (self.captioner, self._ranker, self._selector)
        return ModelInputs(*(model.preprocessing.resize(image) for model in models))

    def caption(self, inputs: Sequence[ModelInputs], keys: Sequence[int]) -> list[Captions]:
        """Captions of each image.

        Args:
            inputs: of `prepare`; may be empty.
            keys: a 64-bit integer per image that seeds its random numbers: in float32 the same key, image
                and settings give the same captions in any batch.

        Raises:
            ValueError: the numbers of keys and images differ.
        """
        if len(inputs) != len(keys):
            raise ValueError(f"{len(keys)} keys for {len(inputs)} images")
        return self.passes.run(lambda part: self._caption(self._take(inputs, part), keys[part]), len(inputs))

    def announce(self, inputs: Sequence[ModelInputs]) -> AbstractContextManager[None]:
        """Within, `caption` of this very sequence is to come: its images may be encoded behind other work."""
        is_useful = self._look_ahead is not None and self.passes.size is None
        return self._upcoming.announce(inputs) if is_useful else nullcontext()

    def _take(self, inputs: Sequence[ModelInputs], part: slice) -> Pass:
        is_whole = part == slice(0, len(inputs))
        return self._upcoming.take(inputs) if is_whole else self._new_pass(inputs[part])

    def _new_pass(self, inputs: Sequence[ModelInputs]) -> Pass:
        return Pass(inputs, self._look_ahead, self._ranker.look_ahead, self._selector.look_ahead)

    def _release(self) -> None:
        self._upcoming.forget()
        self.captioner.release()

    def _caption(self, images: Pass, keys: Sequence[int]) -> list[Captions]:
        Background([images.features]).finish()
        background = Background(images.judges, self._upcoming.advance)
        with measure(Stage.SAMPLE):
            texts = self.captioner.sample(images.for_captioner, keys, background)
        background.finish()
        candidates = [deduplicate(own) for own in texts]
        with measure(Stage.RANK):
            ranked = _rank(self._ranker, images.for_ranker, candidates, background)
        shortlists = [captions[: self._shortlist] for captions, _ in ranked]
        with measure(Stage.SELECT):
            selected = _rank(self._selector, images.for_selector, shortlists, background)
        tops = [captions[0] for captions, _ in selected]
        repaired = self._repairer.rewrite(tops) if self._repairer else [None] * len(tops)
        rows = zip(ranked, selected, tops, repaired, strict=True)
        written = [Captions(*best, *few, top, better) for best, few, top, better in rows]
        return [_require_usable(own, captions) for own, captions in zip(texts, written, strict=True)]


def _require_usable(texts: Sequence[str], captions: Captions) -> Captions:
    """The captions of an image, or none with the fault of its figures."""
    if not texts:
        return no_captions("non-finite features or logits of the captioner")
    if not any(texts):
        return no_captions("nothing was written")
    if not all(map(isfinite, captions.similarities)):
        return no_captions("non-finite similarities of the ranker")
    if not all(map(isfinite, captions.shortlist_similarities)):
        return no_captions("non-finite similarities of the selector")
    return captions


def deduplicate(captions: Sequence[str]) -> tuple[str, ...]:
    """Without repetitions and empty captions, in order; a single empty caption if nothing is left."""
    return tuple(dict.fromkeys(caption for caption in captions if caption)) or ("",)


def sort_by_similarity(
    captions: Sequence[str], similarities: Sequence[float]
) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Sort descending; ties keep their order."""
    order = sorted(range(len(captions)), key=lambda index: -similarities[index])
    return tuple(captions[index] for index in order), tuple(similarities[index] for index in order)


def _rank(
    ranker: Ranker, images: Sequence[Image], captions: Sequence[Sequence[str]], background: Background
) -> list[tuple[tuple[str, ...], tuple[float, ...]]]:
    similarities = ranker.similarities(images, captions)
    background.advance_beyond()  # the device has nothing left, and the host has to sort
    return list(map(sort_by_similarity, captions, similarities))

"""CLIP, ranker and selector: any dual encoder of open_clip.

Source: Radford et al. 2021, "Learning transferable visual models from natural language supervision".
"""

from collections.abc import Generator, Sequence
from functools import partial
from math import isfinite

import numpy as np
import torch
from open_clip import CLIP, CustomTextCLIP
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn

from workers.captions import Image
from workers.cascade.ahead import Ahead
from workers.cascade.background import TowerWork, keep_result
from workers.cascade.clip.image_stages import encode_in_stages
from workers.cascade.clip.text_tower import encode_texts
from workers.cascade.clip.word_tokenizer import Tokenizer, WordTokenizer
from workers.cascade.device import to_device
from workers.cascade.float8 import use_float8
from workers.cascade.pixel_buffer import PixelBuffer
from workers.cascade.pixels import Preprocessing
from workers.cascade.sampling.nodes import Numbers


class Clip:
    """Cosine similarities of images and captions."""

    def __init__(
        self,
        model: CLIP | CustomTextCLIP,
        tokenizer: Tokenizer,
        preprocessing: Preprocessing,
        dtype: torch.dtype,
    ) -> None:
        self.preprocessing = preprocessing
        self._model = model
        self.tokenizer = tokenizer
        self.dtype = dtype
        self._pixels = PixelBuffer(preprocessing, next(model.parameters()).device, dtype)
        self._ahead = Ahead()

    def share_tokens(self, other: "Clip") -> None:
        """Read the other's tokens again, where both have the same vocabulary."""
        own, others = self.tokenizer, other.tokenizer
        if isinstance(own, WordTokenizer) and isinstance(others, WordTokenizer) and own.is_same(others):
            self.tokenizer = others

    def use_float8(self) -> bool:
        """Round the image tower's products to 8 bits, if it is a transformer; whether it is one."""
        tower = self._model.visual
        return isinstance(tower, VisionTransformer) and use_float8(tower.transformer) > 0

    def look_ahead(self, images: Sequence[Image]) -> TowerWork:
        """Encode `images` layer by layer; `similarities` of the same sequence finds the features."""
        return keep_result(self._encode(images), partial(self._ahead.keep, images))

    def _encode(self, images: Sequence[Image]) -> Generator[None, None, Tensor]:
        pixels = yield from self._pixels.load_in_stages(images)
        return _normalise((yield from encode_in_stages(self._model.visual, pixels)))

    def similarities(self, images: Sequence[Image], captions: Sequence[Sequence[str]]) -> list[list[float]]:
        """Cosine of each image, resized by `preprocessing`, with each of its own captions.

        Each image and each distinct caption of the batch is encoded once; cosines are in float32.
        """
        texts = list(dict.fromkeys(caption for own in captions for caption in own))
        column_of = {text: column for column, text in enumerate(texts)}
        columns = np.array([column_of[text] for own in captions for text in own])
        rows = np.repeat(np.arange(len(captions)), [len(own) for own in captions])
        found = iter(self._read(self._compare(images, self.tokenizer(texts), np.stack([rows, columns]))))
        return [[next(found) for _ in own] for own in captions]

    def is_finite(self) -> bool:
        """Whether the precision suffices, by images from flat to as rough as can be and a text."""
        side = self.preprocessing.side
        rough = np.random.default_rng(0).choice(np.array([0, 255], np.uint8), (side, side, 3))
        images = [np.full_like(rough, 0), np.full_like(rough, 255), rough, np.sort(rough, axis=0)]
        cosines = self.similarities(images, [["a photograph of a dog"]] * len(images))
        return all(isfinite(cosine) for own in cosines for cosine in own)

    @torch.inference_mode()
    def _image_features(self, images: Sequence[Image]) -> Tensor:
        ahead = self._ahead.take(images)
        if ahead is not None:
            return ahead
        return _normalise(self._model.encode_image(self._pixels.load(images)))

    @torch.inference_mode()
    def _compare(self, images: Sequence[Image], tokens: Tensor, pairs: Numbers) -> Tensor:
        """Cosines [pairs] of `pairs` [2, pairs], the places of an image and a text."""
        features = self._image_features(images)  # [images, dimension]
        cosines = features @ _normalise(encode_texts(self._model, tokens)).T
        rows, columns = to_device(pairs, features.device)
        return cosines[rows, columns]

    def _read(self, cosines: Tensor) -> list[float]:
        """Waits for the device."""
        return list(cosines.tolist())


def _normalise(features: Tensor) -> Tensor:
    return nn.functional.normalize(features.float(), dim=-1)

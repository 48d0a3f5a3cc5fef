"""CLIP, ranker and selector: any dual encoder of open_clip.

Source: Radford et al. 2021, "Learning transferable visual models from natural language supervision".
"""

from collections.abc import Callable, Sequence

import torch
from open_clip import CLIP, CustomTextCLIP
from torch import Tensor, nn

from workers.captions import Image
from workers.cascade.clip.text_tower import encode_texts
from workers.cascade.pixels import Preprocessing


class Clip:
    """Cosine similarities of images and captions."""

    def __init__(
        self,
        model: CLIP | CustomTextCLIP,
        tokenizer: Callable[[list[str]], Tensor],
        preprocessing: Preprocessing,
        dtype: torch.dtype,
    ) -> None:
        self.preprocessing = preprocessing
        self._model = model
        self._tokenizer = tokenizer
        self._dtype = dtype
        self._device = next(model.parameters()).device

    @torch.inference_mode()
    def similarities(self, images: Sequence[Image], captions: Sequence[Sequence[str]]) -> list[list[float]]:
        """Cosine of each image, resized by `preprocessing`, with each of its own captions.

        Each image and each distinct caption of the batch is encoded once; cosines are in float32.
        """
        texts = list(dict.fromkeys(caption for own in captions for caption in own))
        column_of = {text: column for column, text in enumerate(texts)}
        pixels = self.preprocessing.normalise(images, self._device, self._dtype)
        features = _normalise(self._model.encode_image(pixels))  # [images, dimension]
        text_features = _normalise(encode_texts(self._model, self._tokenizer(texts).to(self._device)))
        cosines = (features @ text_features.T).tolist()  # [images, texts]
        return [[row[column_of[text]] for text in own] for row, own in zip(cosines, captions, strict=True)]


def _normalise(features: Tensor) -> Tensor:
    return nn.functional.normalize(features.float(), dim=-1)

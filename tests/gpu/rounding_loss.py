"""What 8-bit products cost: how far features turn, and how many images get another top caption."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from workers.captions import ModelInputs
from workers.cascade.blip.captioner import BlipCaptioner
from workers.cascade.cascade import Cascade
from workers.cascade.clip.clip import Clip


def rounding_loss(exact: Cascade, rounded: Cascade, inputs: Sequence[ModelInputs]) -> dict[str, float]:
    """The least cosine of an image's features in both, by model, and the share of changed top captions."""
    found: dict[str, float] = {}
    for role, model in exact.models.items():
        images = [getattr(image, role) for image in inputs]
        first, second = (_features(one, images) for one in (model, rounded.models[role]))
        found[f"{role}_cosine"] = float(cosine_similarity(first, second).min())
    tops = [[own.top for own in each.caption(inputs, range(len(inputs)))] for each in (exact, rounded)]
    found["changed_tops"] = sum(a != b for a, b in zip(*tops, strict=True)) / len(inputs)
    return found


@torch.inference_mode()
def _features(model: object, images: Sequence[object]) -> Tensor:
    """Float32 [images, numbers], in the host's memory."""
    assert isinstance(model, BlipCaptioner | Clip)
    encode = model.encode_images if isinstance(model, BlipCaptioner) else model._image_features
    return encode(images).flatten(1).float().cpu()  # type: ignore[arg-type]

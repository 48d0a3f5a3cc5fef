"""CLIP's image towers layer by layer, so that other work fits between the layers."""

from collections.abc import Generator
from itertools import chain

from open_clip.modified_resnet import ModifiedResNet
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn


def encode_in_stages(tower: nn.Module, pixels: Tensor) -> Generator[None, None, Tensor]:
    """As `tower(pixels)`: yields between its layers; a tower of an unknown kind is one layer.

    Returns:
        Features [images, dimension].
    """
    if isinstance(tower, ModifiedResNet):
        return (yield from _through_resnet(tower, pixels))
    if isinstance(tower, VisionTransformer) and tower.transformer.batch_first and not tower.output_tokens:
        return (yield from _through_transformer(tower, pixels))
    features: Tensor = tower(pixels)
    return features


def _through_resnet(tower: ModifiedResNet, pixels: Tensor) -> Generator[None, None, Tensor]:
    hidden = tower.stem(pixels)
    for block in chain(tower.layer1, tower.layer2, tower.layer3, tower.layer4):
        yield
        hidden = block(hidden)
    yield
    features: Tensor = tower.attnpool(hidden)
    return features


def _through_transformer(tower: VisionTransformer, pixels: Tensor) -> Generator[None, None, Tensor]:
    hidden = tower._embeds(pixels)  # noqa: SLF001 - in one piece it leaves no room
    for block in tower.transformer.resblocks:
        yield
        hidden = block(hidden)
    yield
    features: Tensor = tower._pool(hidden)[0]  # noqa: SLF001
    return features if tower.proj is None else features @ tower.proj

"""What changes for a device with its own memory: the same features, in fewer kernels."""

from collections.abc import Generator
from copy import deepcopy

import open_clip
import pytest
import torch
from open_clip import CLIP, CustomTextCLIP
from open_clip.modified_resnet import ModifiedResNet
from open_clip.transformer import LayerNormFp32, QuickGELU
from torch import Tensor, nn
from torch.nn.functional import conv2d

from tests.workers.cascade.clip.test_clip import CUT, TEXT, VISION, WHOLE, tokens
from workers.cascade.clip import inference
from workers.cascade.clip.image_stages import encode_in_stages
from workers.cascade.clip.pooling import PoolFour
from workers.cascade.clip.resnet import FusedBottleneck, OneQueryPool, fold_batch_norm, fuse_convolutions
from workers.cascade.clip.text_tower import group_by_length
from workers.cascade.clip.transformer import FusedBlock, use_native_kernels

RESNET = {"image_size": 64, "layers": [1, 2, 1, 1], "width": 8, "head_width": 16}


def relu(pixels: Tensor, weight: Tensor, bias: Tensor, *geometry: object) -> Tensor:
    """What cuDNN computes."""
    return conv2d(pixels, weight, bias, *geometry).relu()  # type: ignore[call-overload,no-any-return]


def add_relu(
    pixels: Tensor, weight: Tensor, residual: Tensor, factor: float, bias: Tensor, *geometry: object
) -> Tensor:
    return (conv2d(pixels, weight, bias, *geometry) + factor * residual).relu()  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def cudnn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "cudnn_convolution_relu", relu)
    monkeypatch.setattr(torch, "cudnn_convolution_add_relu", add_relu)


def resnet() -> ModifiedResNet:
    """Statistics and weights of every kind, those that begin at zero too."""
    torch.manual_seed(0)
    tower = ModifiedResNet(RESNET["layers"], 24, 4, image_size=64, width=8).eval()
    for module in tower.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.weight, module.bias, module.get_buffer("running_mean")):
                nn.init.normal_(values)
            nn.init.uniform_(module.get_buffer("running_var"), 0.5, 2)
    return tower


@pytest.mark.usefixtures("cudnn")
@torch.inference_mode()
def test_fused_convolutions_see_the_same() -> None:
    tower, pixels = resnet(), torch.randn(2, 3, 64, 64)
    expected = tower(pixels)
    fused = fuse_convolutions(fold_batch_norm(deepcopy(tower)))
    assert isinstance(fused.attnpool, OneQueryPool)
    assert all(isinstance(block, FusedBottleneck) for block in fused.layer2)
    assert not any(isinstance(module, nn.AvgPool2d) for module in fused.modules())
    assert torch.allclose(fused(pixels), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.usefixtures("cudnn")
@torch.inference_mode()
def test_a_device_whose_fusion_is_wrong_or_missing_keeps_the_plain_tower(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = CLIP(embed_dim=24, vision_cfg=RESNET, text_cfg=TEXT, quick_gelu=True).eval()
    fold_batch_norm(model.visual)
    plain, device = model.visual, torch.device("cpu")

    def refused(*_: object) -> Tensor:
        raise RuntimeError("no engine")

    for broken in (refused, lambda pixels, *rest: 1.5 * relu(pixels, *rest)):
        monkeypatch.setattr(torch, "cudnn_convolution_relu", broken)
        inference._fuse_where_equal(model, device, torch.float32)
        assert model.visual is plain
    monkeypatch.setattr(torch, "cudnn_convolution_relu", relu)
    inference._fuse_where_equal(model, device, torch.float32)
    assert model.visual is not plain


def test_pooling_by_four_is_average_pooling() -> None:
    pixels = torch.randn(2, 3, 7, 10, dtype=torch.bfloat16)
    assert torch.equal(PoolFour()(pixels), nn.AvgPool2d(2)(pixels.float()).to(torch.bfloat16))


@pytest.mark.parametrize("name", [*CUT, *WHOLE])
@torch.inference_mode()
def test_native_kernels_give_the_same_features(name: str) -> None:
    model = {**CUT, **WHOLE}[name]
    changed = deepcopy(model)
    for block in changed.modules():
        for part, child in list(block.named_children()):
            if type(child) is open_clip.transformer.LayerNorm:  # as the loader has it in low precision
                norm = LayerNormFp32(child.normalized_shape)
                norm.load_state_dict(child.state_dict())
                setattr(block, part, norm)
    use_native_kernels(changed, torch.float32)
    assert not any(isinstance(module, QuickGELU | LayerNormFp32) for module in changed.modules())
    pixels = torch.randn(2, 3, 16, 16)
    assert torch.allclose(changed.encode_image(pixels), model.encode_image(pixels), atol=1e-5)
    assert torch.allclose(changed.encode_text(tokens()), model.encode_text(tokens()), atol=1e-5)


@torch.inference_mode()
def test_blocks_are_fused_where_the_mask_is_the_causal_one() -> None:
    for name, model in {**CUT, **WHOLE}.items():
        changed = deepcopy(model)
        inference.prepare_for_inference(changed, torch.float32)
        tower = changed if isinstance(changed, CLIP) else changed.text
        assert isinstance(tower.transformer.resblocks[0], FusedBlock) == (name in CUT)
        assert isinstance(changed.visual.transformer.resblocks[0], FusedBlock)
        assert torch.allclose(changed.encode_text(tokens()), model.encode_text(tokens()), atol=1e-6)


TOWERS = {
    "transformer": CLIP(embed_dim=24, vision_cfg=VISION, text_cfg=TEXT, quick_gelu=True).eval().visual,
    "resnet": resnet(),
    "another": nn.Flatten(),
}


@pytest.mark.parametrize(("name", "pauses"), [("transformer", 2), ("resnet", 6), ("another", 0)])
@torch.inference_mode()
def test_a_tower_in_stages_is_the_whole_tower(name: str, pauses: int) -> None:
    tower = TOWERS[name]
    pixels = torch.randn(2, 3, *((64, 64) if name == "resnet" else (16, 16)))
    features: list[Tensor] = []

    def through() -> Generator[None]:
        features.append((yield from encode_in_stages(tower, pixels)))

    assert len(list(through())) == pauses
    assert torch.equal(features[0], tower(pixels))


def test_texts_of_like_length_are_side_by_side() -> None:
    lengths = torch.tensor([3, 77, 13, 8, 9]).numpy()
    order, groups = group_by_length(lengths, 77)
    assert order.tolist() == [0, 3, 4, 2, 1]
    assert groups == [(8, 2), (12, 1), (16, 1), (77, 1)]
    assert group_by_length(lengths[:1], 8)[1] == [(8, 1)]


def test_a_custom_tower_of_timm_is_left_alone() -> None:
    model = CustomTextCLIP(embed_dim=24, vision_cfg=VISION, text_cfg=TEXT).eval()
    model.visual = nn.Flatten()
    inference.prepare_for_inference(model, torch.float32)
    assert isinstance(model.visual, nn.Flatten)

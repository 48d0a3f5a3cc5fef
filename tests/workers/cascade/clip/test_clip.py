"""The ranker against open_clip itself."""

from itertools import islice

import numpy as np
import open_clip
import pytest
import torch
from open_clip import CLIP, CustomTextCLIP
from torch import Tensor, nn

from workers.cascade.clip.clip import Clip
from workers.cascade.clip.load_clip import load_clip
from workers.cascade.clip.resnet import fold_batch_norm
from workers.cascade.clip.text_tower import encode_texts, is_pooled_at_eos
from workers.models.resolve import resolve_model
from workers.toy.architectures import IMAGE_SIDE
from workers.toy.drawing import UNSEEN, draw_scenes

CPU = torch.device("cpu")
VISION = {"image_size": 16, "patch_size": 8, "width": 32, "layers": 1, "head_width": 16}
TEXT = {"context_length": 20, "vocab_size": 50, "width": 32, "heads": 2, "layers": 2}
LENGTHS = [3, 9, 6]
END, PAD = 49, 0


def tokens() -> Tensor:
    """Three texts of LENGTHS, [3, 20]."""
    rows = torch.full((len(LENGTHS), TEXT["context_length"]), PAD)
    generator = torch.Generator().manual_seed(0)
    for row, length in zip(rows, LENGTHS, strict=True):
        row[: length - 1] = torch.randint(1, END, (length - 1,), generator=generator)
        row[length - 1] = END
    return rows


def dual_encoder(kind: type[CLIP | CustomTextCLIP] = CLIP, **text: object) -> CLIP | CustomTextCLIP:
    torch.manual_seed(0)
    return kind(embed_dim=24, vision_cfg=VISION, text_cfg={**TEXT, **text}, quick_gelu=True).eval()


CUT = {
    "openai": dual_encoder(),
    "custom text": dual_encoder(CustomTextCLIP),
    "end token by number": dual_encoder(CustomTextCLIP, pool_type="eos", eos_id=END),
    "linear projection": dual_encoder(CustomTextCLIP, proj_bias=True),
    "no projection": dual_encoder(CustomTextCLIP, proj_type="none"),
}
WHOLE = {
    "bidirectional": dual_encoder(CustomTextCLIP, no_causal_mask=True),
    "read at the last position": dual_encoder(pool_type="last"),
    "appended class token": dual_encoder(CustomTextCLIP, embed_cls=True),
}


@pytest.mark.parametrize("name", [*CUT, *WHOLE])
@torch.inference_mode()
def test_features_are_those_of_open_clip(name: str) -> None:
    model = {**CUT, **WHOLE}[name]
    assert (encode_texts(model, tokens()) - model.encode_text(tokens())).abs().max() < 1e-6


@pytest.mark.parametrize("name", [*CUT, *WHOLE])
@torch.inference_mode()
def test_only_causal_towers_read_at_the_end_are_cut(name: str) -> None:
    """Whether they are cut shows in the length that the transformer sees."""
    model = {**CUT, **WHOLE}[name]
    tower = model if isinstance(model, CLIP) else model.text
    seen: list[int] = []
    handle = tower.transformer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1]))
    encode_texts(model, tokens())
    handle.remove()
    assert is_pooled_at_eos(tower) == (name in CUT)
    assert seen == [8, 12] if name in CUT else seen[0] >= TEXT["context_length"]


def test_a_tower_of_transformers_is_not_cut() -> None:
    assert not is_pooled_at_eos(nn.Identity())


@torch.inference_mode()
def test_a_folded_resnet_sees_the_same() -> None:
    torch.manual_seed(0)
    tower = open_clip.modified_resnet.ModifiedResNet([1, 2, 1, 1], 24, 4, image_size=64, width=8).eval()
    for module in tower.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.weight, module.bias, module.get_buffer("running_mean")):
                nn.init.normal_(values)
            nn.init.uniform_(module.get_buffer("running_var"), 0.5, 2)
    pixels = torch.randn(2, 3, 64, 64)
    expected = tower(pixels)
    found = fold_batch_norm(tower)(pixels)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in tower.modules())
    assert tower.layer1[0].conv2.weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(found, expected, atol=1e-5, rtol=1e-4)


@pytest.fixture(scope="module", params=["toy/ranker", "toy/selector"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.models
@torch.inference_mode()
def test_similarities_are_those_of_open_clip(name: str) -> None:
    folder = resolve_model(name)
    clip = load_clip(folder, CPU, torch.float32)
    plain = open_clip.create_model(f"local-dir:{folder}").eval()
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    drawn = list(islice(draw_scenes(UNSEEN, 5, (IMAGE_SIDE, IMAGE_SIDE)), 3))
    images = [clip.preprocessing.resize(np.asarray(image)) for _, image in drawn]
    sentences = [str(scene) for scene, _ in drawn]
    captions = [sentences, sentences[1:], [sentences[0], "a red circle"]]
    found = clip.similarities(images, captions)
    for image, own, similarities in zip(images, captions, found, strict=True):
        pixels = clip.preprocessing.normalise([image], CPU, torch.float32)
        features = plain.encode_image(pixels, normalize=True)
        for caption, similarity in zip(own, similarities, strict=True):  # one text at a time, at full length
            text = plain.encode_text(tokenizer([caption]), normalize=True)
            assert similarity == pytest.approx(float(features @ text.T), abs=1e-5)


@pytest.mark.models
def test_each_image_and_each_distinct_caption_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = load_clip(resolve_model("toy/ranker"), CPU, torch.float32)
    image = np.zeros((IMAGE_SIDE, IMAGE_SIDE, 3), np.uint8)
    seen: list[int] = []
    for module in (clip._model.visual, clip._model.transformer):
        module.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    captions = [["a red star", "a red circle"], ["a red star"], ["a blue star", "a red circle"]]
    similarities = clip.similarities([image] * 3, captions)
    assert seen == [3, 3]
    assert similarities[0][0] == similarities[1][0]
    assert isinstance(clip, Clip)


@pytest.mark.models
def test_cosines_are_taken_in_float32_in_any_precision() -> None:
    clip = load_clip(resolve_model("toy/ranker"), CPU, torch.bfloat16)
    image = np.zeros((IMAGE_SIDE, IMAGE_SIDE, 3), np.uint8)
    ((first, second),) = clip.similarities([image], [["a red star", "a red circle"]])
    assert first != second
    assert torch.tensor(first, dtype=torch.bfloat16).item() != first

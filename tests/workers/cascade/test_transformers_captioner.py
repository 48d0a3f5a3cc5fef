"""Captioners other than BLIP, and the repairer: small models with random weights, saved as folders."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    BertConfig,
    BertTokenizer,
    CLIPImageProcessor,
    GitConfig,
    GitForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
    VisionEncoderDecoderConfig,
    VisionEncoderDecoderModel,
    ViTConfig,
)

from common.settings import SamplingSettings
from workers.captions import ModelFolderError
from workers.cascade.assemble import load_captioner, load_cascade
from workers.cascade.blip.captioner import BlipCaptioner
from workers.cascade.repairer import load_repairer
from workers.cascade.transformers_captioner import LARGEST, TransformersCaptioner, load_transformers_captioner
from workers.models.resolve import resolve_model

CPU = torch.device("cpu")
TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"word{number}" for number in range(60))]
SAMPLING = SamplingSettings(lanes=6, max_tokens=(3, 7), min_tokens=2, top_k=0, top_p=1, end_probability=None)
SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
ENDS: dict[str, Any] = {"bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}


def save(model: Any, folder: Path) -> Path:
    torch.manual_seed(0)
    for weight in model.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.3)
    model.save_pretrained(folder)
    BertTokenizer(vocab={token: index for index, token in enumerate(TOKENS)}).save_pretrained(folder)
    CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(
        folder
    )
    return folder


def git(folder: Path) -> Path:
    """A decoder that reads the picture as a prefix."""
    vision = {**SMALL, "image_size": 32, "patch_size": 16}
    config = GitConfig(
        vision_config=vision, vocab_size=len(TOKENS), max_position_embeddings=64, **SMALL, **ENDS
    )
    return save(GitForCausalLM(config), folder)


def encoder_decoder(folder: Path) -> Path:
    """A vision transformer and a text decoder that were put together."""
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(
        ViTConfig(image_size=32, patch_size=16, **SMALL), BertConfig(vocab_size=len(TOKENS), **SMALL, **ENDS)
    )
    model = VisionEncoderDecoderModel(config)
    for name, token in {**ENDS, "decoder_start_token_id": 2}.items():
        setattr(model.generation_config, name, token)
    return save(model, folder)


@pytest.fixture(scope="module", params=[git, encoder_decoder])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    make: Callable[[Path], Path] = request.param
    return make(tmp_path_factory.mktemp("models") / "captioner")


@pytest.fixture(scope="module")
def captioner(folder: Path) -> TransformersCaptioner:
    return load_transformers_captioner(folder, SAMPLING, CPU, torch.float32)


def images(count: int) -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (40, 50, 3)).astype(np.uint8) for _ in range(count)]


@pytest.mark.models
def test_a_key_decides_the_captions(captioner: TransformersCaptioner) -> None:
    together = captioner.sample(images(2), [2**63 + 1, 2])
    assert together[1] == captioner.sample(images(2)[1:], [2])[0]
    assert together[1] != captioner.sample(images(2)[1:], [3])[0]
    before = torch.get_rng_state()
    captioner.sample(images(1), [1])
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.models
def test_lanes_keep_their_limits(captioner: TransformersCaptioner) -> None:
    lengths = [[len(text.split()) for text in captioner.sample(images(1), [key])[0]] for key in range(10)]
    assert {len(own) for own in lengths} == {6}
    assert max(max(own[:3]) for own in lengths) <= 3 < max(max(own[3:]) for own in lengths) <= 7
    assert min(min(own) for own in lengths) >= 1


@pytest.mark.models
def test_a_lane_ends_where_the_unprocessed_probability_says_so(folder: Path) -> None:
    at_once = SAMPLING.model_copy(update={"end_probability": 1e-9})
    assert load_transformers_captioner(folder, at_once, CPU, torch.float32).sample(images(1), [1]) == [
        [""] * 6
    ]


@pytest.mark.models
def test_greedy_is_one_caption(captioner: TransformersCaptioner) -> None:
    found = captioner.decode_greedy(images(2))
    assert len(found) == 2
    assert found == captioner.decode_greedy(images(2))


def test_images_are_bounded() -> None:
    resize = TransformersCaptioner.preprocessing.resize
    assert resize(np.zeros((10, 10_000, 3), np.uint8)).shape == (1, LARGEST, 3)
    assert resize(np.zeros((1, 1, 3), np.uint8)).shape == (1, 1, 3)


@pytest.mark.models
def test_the_model_type_decides_who_decodes(folder: Path) -> None:
    assert isinstance(load_captioner(folder, SAMPLING, CPU, torch.float32), TransformersCaptioner)
    toy = resolve_model("toy/captioner")
    assert isinstance(load_captioner(toy, SAMPLING, CPU, torch.float32), BlipCaptioner)


@pytest.mark.models
@pytest.mark.parametrize("name", ["model.safetensors", "preprocessor_config.json"])
def test_a_file_is_missing(folder: Path, tmp_path: Path, name: str) -> None:
    for path in folder.iterdir():
        if path.name != name:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(
        ModelFolderError, match=rf"^{tmp_path}: it has no {name}.*; expected an image-to-text"
    ):
        load_captioner(tmp_path, SAMPLING, CPU, torch.float32)


@pytest.mark.models
def test_a_model_that_does_not_caption(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "model_type": "bert"}))
    with pytest.raises(ModelFolderError, match=rf"^{tmp_path}: .*; expected an image-to-text model"):
        load_captioner(tmp_path, SAMPLING, CPU, torch.float32)


@pytest.mark.models
@pytest.mark.parametrize(
    "sizes",
    [
        {"size": {"shortest_edge": 10**6}},
        {"size": {"shortest_edge": 32}, "crop_size": {"height": 10**6, "width": 32}},
        {"crop_size": 5_000},
    ],
)
def test_images_are_made_no_giants(folder: Path, tmp_path: Path, sizes: dict[str, Any]) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    settings = json.loads((tmp_path / "preprocessor_config.json").read_text())
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({**settings, **sizes}))
    with pytest.raises(ModelFolderError, match=r"its image processor is to be given \d+, more than 4096"):
        load_captioner(tmp_path, SAMPLING, CPU, torch.float32)


def t5(folder: Path) -> Path:
    shape: dict[str, Any] = {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2}
    config = T5Config(vocab_size=len(TOKENS), **shape, **ENDS)
    config.decoder_start_token_id = 0
    model = T5ForConditionalGeneration(config)
    model.generation_config.suppress_tokens = [0, 1, 2, 4]  # words only
    model.generation_config.min_new_tokens = 3
    return save(model, folder)


@pytest.mark.models
def test_the_top_caption_is_rewritten_and_both_are_kept(tmp_path: Path) -> None:
    repairer = t5(tmp_path / "repairer")
    captioner, ranker, selector = map(resolve_model, ("toy/captioner", "toy/ranker", "toy/selector"))
    sampling = SamplingSettings(lanes=4, max_tokens=(8,))
    cascade = load_cascade(captioner, ranker, selector, sampling, "cpu", repairer=repairer)
    plain = load_cascade(captioner, ranker, selector, sampling, "cpu")
    inputs = [cascade.prepare(image) for image in images(2)]
    found, without = cascade.caption(inputs, [1, 2]), plain.caption(inputs, [1, 2])
    assert [captions.top for captions in found] == [captions.top for captions in without]
    assert [captions.repaired for captions in without] == [None, None]
    rewritten = load_repairer(repairer, CPU, torch.float32).rewrite([captions.top for captions in found])
    assert [captions.repaired for captions in found] == rewritten
    assert all(rewritten)


@pytest.mark.models
def test_a_repairer_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="expected a text-to-text model"):
        load_repairer(resolve_model("toy/captioner"), CPU, torch.float32)
    with pytest.raises(ModelFolderError, match="no such folder"):
        load_repairer(tmp_path / "none", CPU, torch.float32)

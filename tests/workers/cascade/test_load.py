"""Model folders: what is wrong with them is said in one line that names the folder and what was expected."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from common.settings import SamplingSettings
from workers.captions import ModelFolderError
from workers.cascade.blip.load_blip import load_blip
from workers.cascade.clip.load_clip import is_openai, load_clip
from workers.models.resolve import resolve_model

CPU = torch.device("cpu")


@pytest.fixture
def captioner(tmp_path: Path) -> Path:
    return Path(shutil.copytree(resolve_model("toy/captioner"), tmp_path / "captioner"))


@pytest.fixture
def ranker(tmp_path: Path) -> Path:
    return Path(shutil.copytree(resolve_model("toy/ranker"), tmp_path / "ranker"))


def blip_error(folder: Path, max_tokens: int = 10) -> str:
    with pytest.raises(ModelFolderError) as raised:
        load_blip(folder, SamplingSettings(max_tokens=(max_tokens,)), CPU, torch.float32)
    return one_line(str(raised.value), folder)


def clip_error(folder: Path) -> str:
    with pytest.raises(ModelFolderError) as raised:
        load_clip(folder, CPU, torch.float32)
    return one_line(str(raised.value), folder)


def one_line(message: str, folder: Path) -> str:
    assert message.startswith(f"{folder}: ")
    assert "; expected " in message
    assert "\n" not in message
    return message


def test_no_such_folder(tmp_path: Path) -> None:
    assert "no such folder" in blip_error(tmp_path / "none")
    assert "no such folder" in clip_error(tmp_path / "none")


@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json"]
)
def test_a_captioner_lacks_a_file(captioner: Path, name: str) -> None:
    (captioner / name).unlink()
    assert f"it has no {name}" in blip_error(captioner)


@pytest.mark.parametrize("name", ["open_clip_config.json", "open_clip_model.safetensors"])
def test_a_ranker_lacks_a_file(ranker: Path, name: str) -> None:
    (ranker / name).unlink()
    assert f"it has no {name}" in clip_error(ranker)


def test_a_pickle_is_no_substitute(captioner: Path, ranker: Path) -> None:
    (captioner / "model.safetensors").rename(captioner / "pytorch_model.bin")
    (ranker / "open_clip_model.safetensors").rename(ranker / "open_clip_pytorch_model.bin")
    assert "it has no model.safetensors" in blip_error(captioner)
    assert "it has no open_clip_model.safetensors" in clip_error(ranker)


def test_the_other_model(captioner: Path, ranker: Path) -> None:
    assert "it has no config.json" in blip_error(ranker)
    assert "it has no open_clip_config.json" in clip_error(captioner)


def test_another_architecture(captioner: Path) -> None:
    config = json.loads((captioner / "config.json").read_text())
    (captioner / "config.json").write_text(json.dumps({**config, "model_type": "blip-2"}))
    assert "config.json says model type 'blip-2'" in blip_error(captioner)


def test_weights_of_another_architecture(captioner: Path, ranker: Path) -> None:
    shutil.copy(ranker / "open_clip_model.safetensors", captioner / "model.safetensors")
    assert "the weights lack " in blip_error(captioner)
    shutil.copy(resolve_model("toy/selector") / "open_clip_model.safetensors", ranker)
    assert "RuntimeError" in clip_error(ranker)


@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json"]
)
def test_a_captioner_has_a_broken_file(captioner: Path, name: str) -> None:
    (captioner / name).write_bytes(b"{ half")
    blip_error(captioner)


@pytest.mark.parametrize("name", ["open_clip_config.json", "open_clip_model.safetensors", "tokenizer.json"])
def test_a_ranker_has_a_broken_file(ranker: Path, name: str) -> None:
    (ranker / name).write_bytes(b"[1]")
    clip_error(ranker)


def test_captions_longer_than_the_model_reads(captioner: Path) -> None:
    assert "it reads 64 tokens; expected room for 5 and 60 new ones" in blip_error(captioner, max_tokens=60)


def test_the_longest_captions_that_fit(captioner: Path) -> None:
    load_blip(captioner, SamplingSettings(max_tokens=(59,)), CPU, torch.float32)


def test_openai_weights_are_known_by_name() -> None:
    cache = Path("/hub/models--timm--vit_large_patch14_clip_224.openai/snapshots/0123abcd")
    assert is_openai(cache, {})
    assert is_openai(Path("models/resnet50x64_clip.openai"), {})
    assert is_openai(Path("models/mine"), {"tag": "openai"})
    assert not is_openai(Path("/home/openai/models/vit_large_patch14_clip_224.laion2b"), {})


@pytest.mark.parametrize(("renamed", "activation"), [("mine", "GELU"), ("mine.openai", "QuickGELU")])
def test_quick_gelu_is_forced_for_openai_weights(ranker: Path, renamed: str, activation: str) -> None:
    config = json.loads((ranker / "open_clip_config.json").read_text())
    del config["model_cfg"]["quick_gelu"]
    (ranker / "open_clip_config.json").write_text(json.dumps(config))
    folder = ranker.rename(ranker.parent / renamed)
    clip = load_clip(folder, CPU, torch.float32)
    kinds = {type(module).__name__ for module in clip._model.modules() if "GELU" in type(module).__name__}
    assert kinds == {activation}

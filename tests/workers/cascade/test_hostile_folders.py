"""A model folder is data: none of its code runs, whoever answers "y", and a few bytes of it make no giant."""

import io
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

from common.settings import SamplingSettings
from workers.captions import ModelFolderError
from workers.cascade.blip.load_blip import load_blip
from workers.cascade.clip.load_clip import load_clip
from workers.cascade.repairer import load_repairer
from workers.cascade.transformers_captioner import load_transformers_captioner
from workers.models.resolve import resolve_model

CPU, FLOAT = torch.device("cpu"), torch.float32
SAMPLING = SamplingSettings(max_tokens=(10,))
MILLION = 10**6
CLASSES = ("Config", "Model", "ModelForImageTextToText", "ModelForSeq2SeqLM", "ImageProcessor", "Tokenizer")
OWN_CODE = {f"Auto{name}": f"own.{name}" for name in CLASSES}


def load(kind: str, folder: Path) -> None:
    """Load a folder as the model of that kind."""
    loaders: dict[str, Callable[[], object]] = {
        "blip": lambda: load_blip(folder, SAMPLING, CPU, FLOAT),
        "captioner": lambda: load_transformers_captioner(folder, SAMPLING, CPU, FLOAT),
        "repairer": lambda: load_repairer(folder, CPU, FLOAT),
        "ranker": lambda: load_clip(folder, CPU, FLOAT),
    }
    loaders[kind]()


def copy(kind: str, folder: Path) -> Path:
    """The toy model that is nearest to a kind."""
    source = "toy/ranker" if kind == "ranker" else "toy/captioner"
    return Path(shutil.copytree(resolve_model(source), folder))


def change(file: Path, **changes: Any) -> None:
    """Change entries of a JSON file; a name with dots leads down."""
    tree = json.loads(file.read_text())
    for name, value in changes.items():
        *steps, last = name.split("__")
        branch = tree
        for step in steps:
            branch = branch[step]
        branch[last] = value
    file.write_text(json.dumps(tree))


def bring_code(folder: Path) -> Path:
    """Give a folder code of its own, asked for in every way; the file that tells that it ran."""
    mark = folder / "it-ran"
    body = "\n".join(f"class {name}: pass" for name in CLASSES)
    code = f"open({str(mark)!r}, 'w').close()\n{body}\ndef generate(model, **_): pass\n"
    (folder / "custom_generate").mkdir()
    for file in (folder / "own.py", folder / "custom_generate" / "generate.py"):
        file.write_text(code)
    for name in ("config.json", "preprocessor_config.json", "tokenizer_config.json"):
        if (folder / name).exists():
            change(folder / name, auto_map={**OWN_CODE, "AutoTokenizer": ["own.Tokenizer", "own.Tokenizer"]})
    return mark


@pytest.fixture(autouse=True)
def _yes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `yes |` before the worker."""
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n" * 1000))


@pytest.mark.parametrize("model_type", ["own", "blip", "bert"])
@pytest.mark.parametrize("kind", ["blip", "captioner", "repairer"])
def test_a_folders_code_is_never_run(kind: str, model_type: str, tmp_path: Path) -> None:
    folder = copy(kind, tmp_path / "model")
    mark = bring_code(folder)
    change(folder / "config.json", model_type=model_type)
    for name in ("tokenizer_config.json", "preprocessor_config.json"):
        change(folder / name, tokenizer_class="Own", image_processor_type="Own")
    with suppress(ModelFolderError):  # what needs none of it is loaded
        load(kind, folder)
    assert not mark.exists()


@pytest.mark.parametrize(
    "options",
    [{"trust_remote_code": True}, {"bpe_path": "/etc/passwd"}, {"code_revision": "x"}],
)
def test_a_ranker_sets_no_options_but_those_of_texts(options: dict[str, object], tmp_path: Path) -> None:
    folder = copy("ranker", tmp_path / "model")
    (folder / "tokenizer_config.json").write_text("{}")
    mark = bring_code(folder)
    change(folder / "open_clip_config.json", model_cfg__text_cfg__tokenizer_kwargs=options)
    with pytest.raises(ModelFolderError, match=f"its tokenizer is to be given {min(options)}"):
        load("ranker", folder)
    assert not mark.exists()


def test_a_rankers_tokenizer_brings_no_code(tmp_path: Path) -> None:
    folder = copy("ranker", tmp_path / "model")
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "Own"}')
    (folder / "config.json").write_text('{"model_type": "own"}')
    mark = bring_code(folder)
    change(folder / "open_clip_config.json", model_cfg__text_cfg__hf_tokenizer_name="x")
    with pytest.raises(ModelFolderError):
        load("ranker", folder)
    assert not mark.exists()


def test_a_rankers_text_tower_brings_no_code(tmp_path: Path) -> None:
    """open_clip itself loads that tower, and says nothing of trust."""
    folder = copy("ranker", tmp_path / "model")
    (folder / "config.json").write_text('{"model_type": "own"}')
    mark = bring_code(folder)
    change(folder / "open_clip_config.json", model_cfg__text_cfg__hf_model_name=str(folder))
    with pytest.raises(ModelFolderError):
        load("ranker", folder)
    assert not mark.exists()


@pytest.mark.parametrize("size", [{"height": MILLION, "width": MILLION}, {"shortest_edge": MILLION}])
def test_images_are_made_no_giants(size: dict[str, int], tmp_path: Path) -> None:
    folder = copy("blip", tmp_path / "model")
    change(folder / "preprocessor_config.json", size=size)
    with pytest.raises(ModelFolderError, match="another size"):
        load("blip", folder)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("blip", {"text_config__num_hidden_layers": MILLION}),
        ("blip", {"vision_config__num_hidden_layers": MILLION}),
        ("blip", {"text_config__vocab_size": 10**9}),
        ("captioner", {"vision_config__image_size": 10**7}),
        ("ranker", {"model_cfg__text_cfg__layers": MILLION}),
        ("ranker", {"model_cfg__vision_cfg__layers": MILLION}),
        ("ranker", {"model_cfg__vision_cfg__layers": [1, 1, MILLION, 1]}),
        ("ranker", {"model_cfg__vision_cfg__image_size": 10**6}),
        ("ranker", {"model_cfg__text_cfg__context_length": 10**6}),
        ("ranker", {"model_cfg__text_cfg__vocab_size": 10**10}),
    ],
)
def test_a_configuration_makes_no_giant(kind: str, changes: dict[str, object], tmp_path: Path) -> None:
    folder = copy(kind, tmp_path / "model")
    change(folder / ("open_clip_config.json" if kind == "ranker" else "config.json"), **changes)
    with pytest.raises(ModelFolderError, match="its configuration asks for more than its weights hold"):
        load(kind, folder)

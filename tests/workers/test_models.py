"""Model names to folders."""

from pathlib import Path

import pytest

from workers.models import TOY, ModelNameError, resolve_model


@pytest.mark.parametrize("name", ["captioner", "ranker", "selector"])
def test_toy_models_are_packaged(name: str) -> None:
    folder = resolve_model(f"toy/{name}")
    assert folder == TOY / name
    assert list(folder.glob("*.safetensors"))


def test_a_folder_is_itself(tmp_path: Path) -> None:
    assert resolve_model(str(tmp_path)) == tmp_path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("toy/painter", "toy/painter: no such toy model; expected toy/captioner"),
        ("toy/../world.py", "no such toy model"),
        ("./nowhere", "./nowhere: no such folder; expected a folder, a hub id or hub-id@revision"),
        ("/no/where", "no such folder"),
        ("nowhere", "no such folder"),
    ],
)
def test_names_that_lead_nowhere(name: str, words: str) -> None:
    with pytest.raises(ModelNameError) as raised:
        resolve_model(name)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)

"""Model names to folders."""

from pathlib import Path

import pytest
from huggingface_hub import constants

from workers.models.resolve import TOY, ModelNameError, resolve_model


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


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache with one repository, and no network."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def cached(cache: Path, name: str) -> Path:
    """A repository `lab/model` with a branch and one file."""
    repository, revision = cache / "models--lab--model", "0123456789abcdef" * 2 + "01234567"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(revision)
    snapshot = repository / "snapshots" / revision
    snapshot.mkdir(parents=True)
    (snapshot / name).write_bytes(b"")
    return snapshot


def test_a_repository_is_taken_from_the_cache(cache: Path) -> None:
    snapshot = cached(cache, "model.safetensors")
    assert resolve_model("lab/model") == snapshot
    assert resolve_model("lab/model@main") == snapshot
    assert resolve_model(f"lab/model@{snapshot.name}") == snapshot


@pytest.mark.parametrize("name", ["lab/other", "lab/model@v2"])
def test_a_repository_that_cannot_be_had(cache: Path, name: str) -> None:
    cached(cache, "model.safetensors")
    with pytest.raises(ModelNameError, match=f"^{name}: neither a local folder nor available on the Hub .*$"):
        resolve_model(name)


def test_a_repository_without_safetensors(cache: Path) -> None:
    cached(cache, "pytorch_model.bin")
    with pytest.raises(ModelNameError, match=r"^lab/model: the repository has no "):
        resolve_model("lab/model")

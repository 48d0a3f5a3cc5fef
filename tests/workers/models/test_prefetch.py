"""The lock of the models: written once, compared ever after."""

import shutil
from pathlib import Path

import pytest

from common.errors import FleetError
from common.settings import Settings
from workers.models.load import load_models
from workers.models.lock import LockedModel, ModelLock, ModelLockError, checksums, hub_revision
from workers.models.prefetch import prefetch
from workers.models.resolve import TOY

MODELS = ("captioner", "ranker", "selector")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The toy models in folders of their own, and a place for their lock."""
    folders = {name: str(shutil.copytree(TOY / name, tmp_path / name)) for name in MODELS}
    return Settings.model_validate(
        {"models": "toy", "models_lock": str(tmp_path / "lock" / "models.json"), **folders}
    )


def test_the_first_time_writes_the_lock_and_the_second_reads_it(settings: Settings) -> None:
    lock = prefetch(settings)
    path = Path(settings.models_lock or "")
    written = path.read_bytes()
    assert prefetch(settings) == lock == ModelLock.read(path)
    assert path.read_bytes() == written
    assert [model.name for model in lock.models] == [settings.captioner, settings.ranker, settings.selector]
    assert all(any(file.endswith(".safetensors") for file in model.files) for model in lock.models)


@pytest.mark.parametrize("change", ["altered", "removed", "added"])
def test_a_model_that_changed_is_refused(settings: Settings, change: str) -> None:
    prefetch(settings)
    config = Path(settings.ranker) / "open_clip_config.json"
    if change == "altered":
        config.write_text(config.read_text() + " ")
    elif change == "removed":
        config.unlink()
    else:
        (Path(settings.ranker) / "extra.json").write_text("{}")
    file = "extra.json" if change == "added" else config.name
    for use in (prefetch, load_models):
        with pytest.raises(ModelLockError, match=f"{file} is not the file that was locked"):
            use(settings)


def test_other_models_want_another_lock(settings: Settings) -> None:
    prefetch(settings)
    other = settings.model_copy(update={"captioner": "toy/captioner"})
    with pytest.raises(FleetError, match=r"toy/captioner: locked is .*captioner"):
        prefetch(other)


def test_a_repairer_is_locked_too(settings: Settings, tmp_path: Path) -> None:
    prefetch(settings)
    with_one = settings.model_copy(update={"repairer": settings.captioner})
    with pytest.raises(FleetError, match="captioner: locked is none"):
        prefetch(with_one)
    with pytest.raises(ModelLockError, match="3 models are locked and 4 wanted"):
        load_models(with_one)
    own = with_one.model_copy(update={"models_lock": str(tmp_path / "own.json")})
    assert len(prefetch(own).models) == 4
    with pytest.raises(FleetError, match="no repairer: locked is"):
        prefetch(settings.model_copy(update={"models_lock": own.models_lock}))


def test_a_worker_without_its_lock_refuses(settings: Settings) -> None:
    with pytest.raises(ModelLockError, match="No such file or directory; run python"):
        load_models(settings)


def test_a_lock_that_is_none(settings: Settings) -> None:
    path = Path(settings.models_lock or "")
    path.parent.mkdir()
    path.write_text('{"models": []}')
    with pytest.raises(ModelLockError, match="no lock of models"):
        prefetch(settings)


def test_no_place_for_the_lock() -> None:
    with pytest.raises(FleetError, match="FLEET_MODELS_LOCK is not set"):
        prefetch(Settings(models="toy"))


def test_the_hubs_cache_names_its_revision(tmp_path: Path) -> None:
    blob = tmp_path / "blobs" / "abc"
    blob.parent.mkdir()
    blob.write_text("weights")
    folder = tmp_path / "snapshots" / "2227ac38"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").symlink_to(blob)
    assert hub_revision(folder) == "2227ac38"
    assert hub_revision(tmp_path) is None
    assert checksums(folder).keys() == {"model.safetensors"}
    assert LockedModel(name="a/b", revision="c", files=checksums(folder)).files

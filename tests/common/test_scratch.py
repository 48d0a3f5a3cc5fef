"""Room for unfinished files: what others put beside it neither stops it nor is touched."""

import os
from pathlib import Path

import pytest

from common.settings import S3Settings
from common.store import Store, open_store
from common.store.scratch import scratch


class OnS3:
    """A store whose room is the system's temporary folder."""

    uri = "s3://bucket/run"


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def use(store: object) -> Path:
    with scratch(store) as folder:  # type: ignore[arg-type]
        (folder / "file").write_text("x")
    return folder


def _link_to_nowhere(path: Path) -> None:
    path.symlink_to("/nowhere")


def _link_to_a_folder(path: Path) -> None:
    (path.parent / "precious").mkdir()
    (path.parent / "precious" / "file").write_text("kept")
    path.symlink_to(path.parent / "precious")


def _file(path: Path) -> None:
    path.write_text("kept")


def _pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("make", [_link_to_nowhere, _link_to_a_folder, _file, _pipe])
def test_what_only_has_the_name_is_left_alone(shared: Path, make: object) -> None:
    make(shared / "fleet-work-x")  # type: ignore[operator]
    before = {path: path.lstat().st_mtime_ns for path in shared.rglob("*")}
    assert not use(OnS3()).exists()
    assert {path: path.lstat().st_mtime_ns for path in shared.rglob("*")} == before


def test_what_a_killed_process_left_goes(shared: Path) -> None:
    left = shared / "fleet-work-left"
    (left / "deep").mkdir(parents=True)
    use(OnS3())
    assert not left.exists()


def test_the_systems_folder_stays_and_a_stores_own_goes(shared: Path, tmp_path: Path) -> None:
    use(OnS3())
    assert shared.is_dir()
    store: Store = open_store(str(tmp_path / "store"), S3Settings())
    use(store)
    assert not (tmp_path / "store" / ".tmp").exists()

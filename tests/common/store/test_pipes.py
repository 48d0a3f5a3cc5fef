"""A pipe, a device or a folder in place of a file is one line at once: nobody waits for its writer."""

import os
from pathlib import Path

import pytest

from common.errors import FleetError
from common.run.manifest import read_part, read_run
from common.settings import S3Settings
from common.store import open_store
from producer.plan import plan_part

NO_S3 = S3Settings()


@pytest.mark.timeout(20)
def test_a_pipe_in_place_of_an_object(tmp_path: Path) -> None:
    store = open_store(str(tmp_path), NO_S3)
    (tmp_path / "parts").mkdir()
    for name in ("run.json", "parts/a-1.json"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(FleetError, match=r"run.json: a pipe or device, not a file"):
        read_run(store)
    with pytest.raises(FleetError, match=r"a-1.json: a pipe or device, not a file"):
        read_part(store, "a-1")
    with pytest.raises(FleetError, match="a pipe or device, not a file"):
        store.open("run.json")
    assert store.read("absent") is None


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["pipe", "link", "/dev/zero", "/dev/null"])
def test_a_pipe_in_place_of_a_part(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    with pytest.raises(FleetError, match="a pipe or device, not a file"):
        plan_part(str(tmp_path / name), NO_S3)


def test_a_folder_in_place_of_a_part(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="directory"):
        plan_part(str(tmp_path), NO_S3)

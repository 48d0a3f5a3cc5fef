"""The folder of `producer local` in a run that others can write to."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from common.errors import FleetError
from producer.local_folder import state_folder


def link_folder(local: Path, precious: Path) -> None:
    local.symlink_to(precious)


def link_file(name: str) -> Callable[[Path, Path], None]:
    def make(local: Path, precious: Path) -> None:
        (local / name).parent.mkdir(parents=True, exist_ok=True)
        (local / name).symlink_to(precious / "lock")

    return make


def pipe(local: Path, _: Path) -> None:
    local.mkdir()
    os.mkfifo(local / "worker-0.log")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "make",
    [
        link_folder,
        pipe,
        *map(link_file, ("lock", "valkey.log", "worker-0.log", "appendonlydir", "appendonlydir/base.rdb")),
    ],
)
def test_links_and_pipes_are_refused_and_nothing_is_emptied(
    make: Callable[[Path, Path], None], tmp_path: Path
) -> None:
    run, precious = tmp_path / "run", tmp_path / "precious"
    run.mkdir()
    precious.mkdir()
    (precious / "lock").write_text("kept")
    make(run / ".local", precious)
    with pytest.raises(FleetError, match="a link or pipe"), state_folder(str(run)):
        pass
    assert {path.name: path.read_text() for path in precious.iterdir()} == {"lock": "kept"}


def test_one_producer_at_a_time_and_again_after_it(tmp_path: Path) -> None:
    for _ in range(2):
        with state_folder(str(tmp_path)) as folder:
            (folder / "worker-0.log").write_text("log")
            with pytest.raises(FleetError, match="another `producer local`"), state_folder(str(tmp_path)):
                pass

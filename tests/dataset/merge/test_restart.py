"""A merge that is killed, or whose disk is full, and is started again."""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from common.settings import S3Settings
from common.store import open_store
from tests.dataset.command import DATASET, run_dataset, start_dataset
from tests.dataset.contents import contents
from tests.dataset.synthetic import RunShape, write_run
from tests.small_disk import needs_small_disk, small_disk

SHAPE = RunShape(parts=3, part_rows=4000, batch_rows=1000)


def command(folder: Path, output: str) -> list[str]:
    options = ["--run", str(folder / "run"), "--output", str(folder / output), "--part-size", "200KB"]
    return ["merge", *options]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """A folder with a run, and what an undisturbed merge of it gives."""
    folder = tmp_path_factory.mktemp("killed")
    write_run(open_store(str(folder / "run"), S3Settings()), SHAPE)
    assert run_dataset(*command(folder, "undisturbed")).returncode == 0
    return folder, contents(folder / "undisturbed")


def test_killed_at_any_point_and_started_again_it_gives_the_same_bytes(
    run: tuple[Path, dict[str, bytes]],
) -> None:
    folder, undisturbed = run
    killed = set()
    for files in range(0, len(undisturbed), 3):
        output = f"killed-{files}"
        found = _kill_at(command(folder, output), folder / output, files)
        assert found.items() <= undisturbed.items()
        killed.add(len(found))
        assert run_dataset(*command(folder, output)).returncode == 0
        assert contents(folder / output) == undisturbed
        assert not list((folder / output).glob(".tmp/fleet-work-*"))
    assert len(killed) > 1


def _kill_at(arguments: list[str], output: Path, files: int) -> dict[str, bytes]:
    """SIGKILL once this many files are there; returns those that are."""
    process = start_dataset(*arguments)
    while process.is_running and len(contents(output)) < files:
        time.sleep(0.002)
    process.kill()
    process.wait()
    return contents(output)


def test_a_file_that_grows_too_large_for_the_disk_is_one_line(run: tuple[Path, dict[str, bytes]]) -> None:
    folder, undisturbed = run

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    failed = subprocess.run(
        [sys.executable, "-c", DATASET, *command(folder, "limited")],
        env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )  # its coverage would be a file that grows too large
    _one_line(failed, folder / "limited")
    assert "File too large" in failed.stderr
    assert run_dataset(*command(folder, "limited")).returncode == 0
    assert contents(folder / "limited") == undisturbed


@needs_small_disk
def test_a_full_disk_is_one_line(run: tuple[Path, dict[str, bytes]]) -> None:
    folder, _ = run
    with small_disk(folder / "disk", "800k") as disk:
        failed = run_dataset(*command(folder, "disk/out"))
        _one_line(failed, disk / "out")
        assert "No space left on device" in failed.stderr


def _one_line(failed: "subprocess.CompletedProcess[str]", output: Path) -> None:
    """Exit code 2, one line that says where, and whole files only."""
    assert failed.returncode == 2
    (line,) = [line for line in failed.stderr.splitlines() if not line.startswith("{")]
    assert line.startswith(f"error: {output}")
    assert "start again" in line
    whole = [name for name in contents(output) if name.endswith(".parquet")]
    assert all((output / name).read_bytes()[-4:] == b"PAR1" for name in whole)
    assert not list(output.glob(".tmp/fleet-work-*"))

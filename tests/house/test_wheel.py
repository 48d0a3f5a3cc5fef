"""The wheel in an empty environment, without torch: every command runs from an empty folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = {"common", "dataset", "producer", "workers"}
WEIGHTS_LIMIT = 8_000_000

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--installer",
        "uv",
        "--outdir",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(build, check=True, capture_output=True, env=_environment())
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def bin_folder(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the lean lock and the wheel, and nothing else."""
    home = tmp_path_factory.mktemp("empty") / "venv"
    _uv("venv", "--python", sys.executable, str(home))
    python = str(home / "bin" / "python")
    _uv("pip", "install", "--python", python, "--require-hashes", "-r", str(ROOT / "requirements.lock"))
    _uv("pip", "install", "--python", python, "--no-deps", str(wheel))
    return home / "bin"


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{ROOT / '.tools' / 'bin'}:{os.environ['PATH']}"}


def _uv(*arguments: str) -> None:
    subprocess.run(["uv", *arguments], check=True, capture_output=True, env=_environment())


COMMANDS = ("producer --version", "producer enqueue --help", "dataset --help", "dataset survey serve --help")
CELERY = ("report", "worker --help", "flower --help")


@pytest.mark.parametrize("command", [*COMMANDS, *(f"celery -A workers {name}" for name in CELERY)])
def test_every_script_runs_without_torch(command: str, bin_folder: Path, tmp_path: Path) -> None:
    name, *arguments = command.split()
    answer = subprocess.run(
        [str(bin_folder / name), *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout
    assert list(tmp_path.iterdir()) == []


EVERY_MODULE = """
import common, dataset, producer
from importlib import import_module
from pkgutil import walk_packages

for room in common, dataset, producer:
    for module in walk_packages(room.__path__, f"{room.__name__}."):
        import_module(module.name)
        print(module.name)
"""


def test_every_module_of_the_control_plane_is_imported_without_torch(
    bin_folder: Path, tmp_path: Path
) -> None:
    """A command imports its own when it runs, which `--help` does not show."""
    answer = subprocess.run(
        [str(bin_folder / "python"), "-c", EVERY_MODULE],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert {"dataset.merge.flow", "producer.enqueue", "producer.local"} <= set(answer.stdout.split())
    assert list(tmp_path.iterdir()) == []


def test_local_without_the_workers_packages_says_what_to_install(bin_folder: Path, tmp_path: Path) -> None:
    answer = subprocess.run(
        [str(bin_folder / "producer"), "local", "part.parquet", "--output", "out"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "pip install '.[worker]'" in answer.stderr


def test_the_wheel_holds_the_rooms_and_the_toy_weights(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        weights = [info.file_size for info in archive.infolist() if info.filename.endswith(".safetensors")]
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == ROOMS
    assert len(weights) == 3
    assert sum(weights) <= WEIGHTS_LIMIT

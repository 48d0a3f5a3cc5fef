"""Both images, built from the Dockerfile over a base that stands in for the official one."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from common.version import __version__
from tests.containers.engine import ContainerError, podman

ROOT = Path(__file__).parents[2]
BASE = "localhost/fleet-stand-in-python:bookworm"
BROKER = "localhost/fleet-stand-in-broker:bookworm"
LEAN, WORKER = f"localhost/caption-fleet:{__version__}", f"localhost/caption-fleet-worker:{__version__}"
CERTIFICATES = "/etc/ssl/certs:/etc/ssl/certs:ro"  # of this machine: pip asks registries as it does here
BUILD_SECONDS = 3600
BROKER_FILE = f"""
FROM {BASE}
RUN apt-get update && apt-get install --yes --no-install-recommends redis-server \\
    && ln -s /usr/bin/redis-server /usr/bin/valkey-server && ln -s /usr/bin/redis-cli /usr/bin/valkey-cli
"""


def build_images() -> dict[str, float]:
    """Build the images that are not there yet; returns the seconds that each took."""
    took: dict[str, float] = {}
    for name, build in (
        ("base", _build_base),
        ("broker", _build_broker),
        ("lean", lambda: _build("lean", LEAN)),
        ("worker", lambda: _build("worker", WORKER)),
    ):
        began = time.monotonic()
        build()
        took[name] = round(time.monotonic() - began, 1)
    return took


def sizes() -> dict[str, str]:
    """Of each image, and of the layer that a change of code replaces, in the engine's words."""
    return {"lean": _size(LEAN), "worker": _size(WORKER), "layer of the code": _layers(WORKER)[0]}


def _size(image: str) -> str:
    return podman("images", "--format", "{{.Size}}", image).stdout.strip()


def _layers(image: str) -> list[str]:
    """Sizes of the layers that hold something, the last first."""
    sizes = podman("history", "--format", "{{.Size}}", image).stdout.splitlines()
    return [size for size in sizes if not size.startswith("0 B")]


def _build(target: str, tag: str) -> None:
    _podman_build(ROOT, "--target", target, "--tag", tag, "--build-arg", f"PYTHON_IMAGE={BASE}")


def _build_broker() -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Dockerfile").write_text(BROKER_FILE)
        _podman_build(Path(folder), "--tag", BROKER)


def _podman_build(context: Path, *options: str) -> None:
    fixed = ("--pull-never", "--network", "host", "--isolation", "chroot", "--volume", CERTIFICATES)
    podman("build", *fixed, *options, context, timeout=BUILD_SECONDS)


def _build_base() -> None:
    """A minimal Debian with its Python, as one layer."""
    if podman("image", "exists", BASE, check=False).returncode == 0:
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        _run("debootstrap", "--variant=minbase",
             "--include=python3,python3-venv,python3-pip,ca-certificates", "bookworm", root)  # fmt: skip
        (root / "usr/bin/python").symlink_to("python3")
        for marker in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
            marker.unlink()
        for cache in ("var/cache/apt", "var/lib/apt/lists"):
            shutil.rmtree(root / cache)
        archive = Path(folder) / "root.tar"
        _run("tar", "-C", root, "-cf", archive, ".")
        podman("import", archive, BASE, timeout=600)


def _run(*words: object) -> None:
    answer = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False)
    if answer.returncode:
        raise ContainerError(f"{words[0]}: " + "\n".join(answer.stdout.splitlines()[-5:]) + answer.stderr)

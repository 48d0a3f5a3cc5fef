"""A disk that is soon full."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.programs import needs, require

needs_small_disk = needs("mount", "umount")


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A disk of this size (as tmpfs takes it) at `folder`, until the block ends."""
    folder.mkdir()
    command = [str(require("mount")), "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small disk: root, in a container with CAP_SYS_ADMIN")
    try:
        yield folder
    finally:
        subprocess.run([require("umount"), "-l", folder], check=True)

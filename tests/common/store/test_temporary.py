"""Temporary files of writes that failed or were killed do not fill the disk for good."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.errors import StoreError
from common.settings import S3Settings
from common.store import open_store
from common.store.folder import SCRATCH
from common.store.temporary import STALE, sweep

KILLED = """
import os, signal, sys
from common.store.folder import FolderStore
from pathlib import Path
os.link = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
FolderStore(Path(sys.argv[1])).create("shards/a.parquet", b"x" * 1000)
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def kill_in_a_write(output: Path) -> Path:
    """A worker killed between its temporary file and the link; the file that it left."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(output)], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = (output / SCRATCH).iterdir()
    return left


def age(path: Path, seconds: float = STALE + 60) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def test_a_failed_write_leaves_nothing(disk: Path) -> None:
    store = open_store(str(disk / "out"), S3Settings())
    for _ in range(3):
        with pytest.raises(StoreError, match="No space left"):
            store.create("shards/a.parquet", bytes(100_000))
    assert list((disk / "out" / SCRATCH).iterdir()) == []
    assert store.create("shards/a.parquet", bytes(30_000))


def test_a_full_disk_is_swept_by_the_next_write(disk: Path) -> None:
    store = open_store(str(disk / "out"), S3Settings())
    store.create("run.json", b"")
    left = disk / "out" / SCRATCH / "tmpleft"
    left.write_bytes(bytes(40_000))
    with pytest.raises(StoreError, match="No space left"):
        store.create("shards/a.parquet", bytes(30_000))
    age(left)
    assert store.create("shards/a.parquet", bytes(30_000))
    assert not left.exists()


def test_what_a_killed_writer_left_is_swept_before_the_next_run(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "out"), S3Settings())
    left = kill_in_a_write(tmp_path / "out")
    store.check_writable()
    assert left.exists(), "it may be somebody's who is at work"
    age(left)
    store.check_writable()
    assert not left.exists()


def test_what_is_locked_foreign_or_no_file_stays(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"")
    (tmp_path / "tmplink").symlink_to(tmp_path / "target")
    (tmp_path / "tmpfolder").mkdir()
    for name in ("tmpheld", "other", "tmpstale"):
        (tmp_path / name).write_bytes(b"")
        age(tmp_path / name)
    age(tmp_path / "target")
    with (tmp_path / "tmpheld").open() as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        assert sweep(tmp_path) == 1
    assert {path.name for path in tmp_path.iterdir()} == {
        "target",
        "tmplink",
        "tmpfolder",
        "tmpheld",
        "other",
    }

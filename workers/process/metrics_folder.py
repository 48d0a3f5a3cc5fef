"""The folder of the children's metrics: small however many of them die, and gone when nobody holds it."""

import atexit
import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

from common.store.scratch import lock_folder, sweep

PREFIX = "fleet-metrics-"
GAUGES = "gauge_live"
"""Files of values that die with their process; the fleet has no other gauges."""

DEAD = 0
"""Stands for a process number in the names of merged files."""

YOUNG = 60.0
"""Seconds that a worker has to take hold of its folder."""

_holds = ExitStack()


def make_folder() -> Path:
    """A folder that is gone with this process; those of killed ones are deleted first."""
    sweep(Path(tempfile.gettempdir()), PREFIX, older_than=YOUNG)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    _holds.enter_context(lock_folder(folder))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def merge_dead(folder: Path) -> None:
    """Add the counts of dead children to one file of each kind, and forget their gauges."""
    for file in folder.glob("*.db"):
        kind, _, number = file.stem.rpartition("_")
        if int(number) == DEAD or is_alive(int(number)):
            continue
        if not kind.startswith(GAUGES):
            _add(file, folder / f"{kind}_{DEAD}.db")
        file.unlink(missing_ok=True)


def is_alive(pid: int) -> bool:
    """Whether this user has a process of this id."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _add(file: Path, merged: Path) -> None:
    sums = MmapedDict(str(merged))  # type: ignore[no-untyped-call]
    try:
        for key, value, at, _ in MmapedDict.read_all_values_from_file(str(file)):  # type: ignore[no-untyped-call]
            before, _ = sums.read_value(key)  # type: ignore[no-untyped-call]
            sums.write_value(key, before + value, at)  # type: ignore[no-untyped-call]
    finally:
        sums.close()  # type: ignore[no-untyped-call]

"""Own lack is no row's status: a whole worker with 256 descriptors, 40 local ports and a slow resolver."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.checks import long
from tests.faults.short_machine import ROWS
from tests.programs import needs, require


@long
@needs("mount")
@needs("prlimit")
@needs("unshare")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for a network of its own")
def test_a_short_machine_finds_what_a_roomy_one_finds(tmp_path: Path) -> None:
    command = [require("unshare"), "--net", "--mount", sys.executable, "-m", "tests.faults.short_machine"]
    answer = subprocess.run([*map(str, command), str(tmp_path)], capture_output=True, text=True, check=True)
    statuses = json.loads(answer.stdout.splitlines()[-1])
    assert sum(statuses["short"].values()) == ROWS
    assert statuses["short"] == statuses["roomy"]

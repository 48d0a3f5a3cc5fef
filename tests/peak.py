"""The most memory that this process has held."""

import re
import resource
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_bytes() -> int:
    """Resident bytes at the most, since this program began.

    On Linux `getrusage` also counts the program that ran in this process before, such as a pytest of 700 MB;
    on macOS, which has no other, it counts bytes.
    """
    if not STATUS.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(re.findall(r"VmHWM:\s+(\d+) kB", STATUS.read_text())[0]) << 10

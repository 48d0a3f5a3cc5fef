"""Where the fleet runs without the developers' pandas, which pyarrow would import: no lock of its has it."""

import os
from pathlib import Path


def lean_path() -> str:
    """A PYTHONPATH on which this code comes first, and pandas is not installed."""
    here = Path(__file__)
    return os.pathsep.join(map(str, (here.parents[2], here.parent)))

"""This process's place among those of its worker, which share cards and cores."""

import os

VARIABLE = "CAPTION_PROCESS_INDEX"


def set_process_index(index: int) -> None:
    """Number this process, from 0; called once at its start."""
    os.environ[VARIABLE] = str(index)


def process_index() -> int:
    """The number; 0 outside a worker."""
    return int(os.environ.get(VARIABLE, "0"))

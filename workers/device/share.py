"""This process's place among those of its worker, which share cards and cores; the parent decides."""

import os

INDEX = "CAPTION_PROCESS_INDEX"
ON_CARD = "CAPTION_PROCESSES_ON_CARD"


def set_processes_on_card(count: int) -> None:
    """Set the number of processes that share each card; called once, in the parent."""
    os.environ[ON_CARD] = str(count)


def set_process_index(index: int) -> None:
    """Number this process, from 0; called once at its start."""
    os.environ[INDEX] = str(index)


def processes_on_card() -> int:
    """The number of processes that share this one's card."""
    return int(os.environ.get(ON_CARD, "1"))


def process_index() -> int:
    """The number of this process; 0 outside a worker."""
    return int(os.environ.get(INDEX, "0"))


def card_number() -> int:
    """The index of this process's card among the worker's."""
    return process_index() // processes_on_card()

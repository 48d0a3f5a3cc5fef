"""Who is to blame for a failure, and what is done about it: the one place where that is decided.

A new kind of failure is one row of `TABLE`. The first row that fits decides.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

import redis

from common.errors import FleetError
from common.run.part import PartError
from workers.batch import ForeignMessageError
from workers.delivery.errors import (
    ClaimedError,
    FailingWorkerError,
    PreparationError,
    TriedHereError,
    UnexpectedError,
)


class Reaction(Enum):
    """What happens to the message, and to its worker."""

    SET_ASIDE = "set aside"  # kept for an operator, acknowledged
    GIVE_UP = "give up"  # the batch is dead: its failure record is written
    COUNT = "count"  # counts against the batch, which goes back to the queue until it is at its limit
    RETURN = "return"  # back to the queue, uncounted; the worker is well
    WITHDRAW = "withdraw"  # back to the queue, uncounted; the worker turns unready and backs off


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of failure.

    Args:
        fits: whether an error is of this kind.
        culprit: in the words of a log line.
        reaction: to it.
        advice: what to do, where the error's own line does not say it.
    """

    fits: Callable[[BaseException], bool]
    culprit: str
    reaction: Reaction
    advice: str = ""


def _of(*types: type[BaseException]) -> Callable[[BaseException], bool]:
    return lambda error: isinstance(error, types)


def _is_device_error(error: BaseException) -> bool:
    """Whether the GPU failed; torch is loaded if it did."""
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    own = tuple(getattr(torch, name) for name in _DEVICE_ERRORS if hasattr(torch, name))
    return isinstance(error, own) or (
        isinstance(error, RuntimeError) and str(error).startswith(_DEVICE_LINES)
    )


_DEVICE_ERRORS = ("AcceleratorError", "OutOfMemoryError")
_DEVICE_LINES = ("CUDA", "cuDNN", "CUBLAS", "No CUDA GPUs", "Found no NVIDIA driver")

TABLE = (
    Kind(_of(ForeignMessageError), "the message", Reaction.SET_ASIDE),
    Kind(_of(ClaimedError, TriedHereError), "nobody", Reaction.RETURN),
    Kind(_of(UnexpectedError), "the batch", Reaction.RETURN),  # counted by the attempt
    Kind(_of(PartError), "the part", Reaction.GIVE_UP),
    Kind(_is_device_error, "the device", Reaction.WITHDRAW, "look at the GPU, its driver and its memory"),
    Kind(_of(FailingWorkerError), "the worker", Reaction.WITHDRAW),
    Kind(_of(PreparationError), "the worker", Reaction.WITHDRAW, "look at its settings, models and device"),
    Kind(_of(redis.RedisError), "the broker", Reaction.WITHDRAW),
    Kind(_of(FleetError), "the surroundings", Reaction.WITHDRAW),
)

UNFORESEEN = Kind(_of(BaseException), "the batch", Reaction.COUNT)


def blame(error: BaseException) -> Kind:
    """The kind of a failure; one that is in no row is the batch's."""
    return next((kind for kind in TABLE if kind.fits(error)), UNFORESEEN)


def unwrap(error: Exception) -> Exception:
    """The failure inside what a task group made of it: the gravest one of ours, else the first."""
    if not isinstance(error, ExceptionGroup):
        return error
    leaves = [unwrap(one) for one in error.exceptions]
    return next((leaf for leaf in leaves if isinstance(leaf, FleetError)), leaves[0])


def describe(error: Exception, kind: Kind) -> str:
    """One line: what, where, and what to do."""
    line = " ".join(str(error).split())
    return f"{line}; {kind.advice}" if kind.advice else line


@contextmanager
def preparing() -> Iterator[None]:
    """Before its rows are read no batch is to blame for what fails.

    Raises:
        PreparationError: in place of an error that nobody foresaw.
    """
    try:
        yield
    except Exception as error:
        if blame(error) is not UNFORESEEN:
            raise
        raise PreparationError(f"{type(error).__name__}: {error}") from error

"""The culprit of a failure and the reaction to it: decided here alone.

A new kind of failure is one row of `TABLE`. The first row that fits decides.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

import redis

from common.contact import ContactError
from common.errors import FleetError, NoPlaceError, StoreError
from common.run.part import PartError
from workers.batch import FilterError, ForeignMessageError, NetworkError, WrongSettingsError
from workers.captions import ModelFolderError
from workers.delivery.errors import (
    ClaimedError,
    FailingWorkerError,
    PreparationError,
    TriedHereError,
    UnexpectedError,
)
from workers.device.errors import DeviceLostError, find_device_error
from workers.fetch.errors import SignatureKeyError
from workers.models.lock import ModelLockError
from workers.models.resolve import ModelNameError


class Reaction(Enum):
    """The fate of the message and of its worker."""

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
        advice: the remedy, where the error's own line names none.
        is_lasting: no waiting mends it.
        keeps_place: the batch goes back to where it came from, the front of the queue, and not behind all
            others: any worker would have failed.
        ends_process: this process can do no further batch; its worker starts another.
    """

    fits: Callable[[BaseException], bool]
    culprit: str
    reaction: Reaction
    advice: str = ""
    is_lasting: bool = False
    keeps_place: bool = False
    ends_process: bool = False


def _of(*types: type[BaseException]) -> Callable[[BaseException], bool]:
    return lambda error: isinstance(error, types)


def _is_device_error(error: BaseException) -> bool:
    return find_device_error(error) is not None


def _is_device_lost(error: BaseException) -> bool:
    return isinstance(find_device_error(error), DeviceLostError)


TABLE = (
    Kind(_of(ForeignMessageError, NoPlaceError), "the message", Reaction.SET_ASIDE),
    Kind(_of(ClaimedError, TriedHereError), "nobody", Reaction.RETURN),
    Kind(_of(UnexpectedError), "the batch", Reaction.RETURN),  # counted by the attempt
    Kind(_of(PartError), "the part", Reaction.GIVE_UP),
    Kind(_is_device_lost, "the device", Reaction.WITHDRAW, is_lasting=True, ends_process=True),
    Kind(_is_device_error, "the device", Reaction.WITHDRAW, is_lasting=True),
    Kind(_of(FailingWorkerError), "the worker", Reaction.WITHDRAW),
    Kind(_of(PreparationError), "the worker", Reaction.WITHDRAW, "look at its settings", is_lasting=True),
    Kind(
        _of(WrongSettingsError, FilterError, ContactError, SignatureKeyError),
        "the settings",
        Reaction.WITHDRAW,
        is_lasting=True,
    ),
    Kind(
        _of(ModelNameError, ModelLockError, ModelFolderError),
        "the models",
        Reaction.WITHDRAW,
        is_lasting=True,
    ),
    Kind(_of(NetworkError), "the network", Reaction.WITHDRAW),
    Kind(_of(StoreError), "the store", Reaction.WITHDRAW),
    Kind(_of(redis.ConnectionError, redis.TimeoutError), "the broker", Reaction.WITHDRAW, keeps_place=True),
    Kind(_of(redis.RedisError), "the broker", Reaction.WITHDRAW),
    Kind(_of(FleetError), "the infrastructure", Reaction.WITHDRAW),
)

UNFORESEEN = Kind(_of(BaseException), "the batch", Reaction.COUNT)


def blame(error: BaseException) -> Kind:
    """The kind of a failure; one that is in no row is the batch's."""
    return next((kind for kind in TABLE if kind.fits(error)), UNFORESEEN)


def unwrap(error: Exception) -> Exception:
    """The failure inside the exception group of a task group: the gravest one of ours, else the first."""
    if not isinstance(error, ExceptionGroup):
        return error
    leaves = [unwrap(one) for one in error.exceptions]
    return next((leaf for leaf in leaves if blame(leaf) is not UNFORESEEN), leaves[0])


def describe(error: Exception, kind: Kind) -> str:
    """One line: cause, place, remedy."""
    line = " ".join(str(find_device_error(error) or error).split())
    return f"{line}; {kind.advice}" if kind.advice else line


@contextmanager
def blame_worker() -> Iterator[None]:
    """Blame the worker, not the batch, for failures before its rows are read.

    Raises:
        PreparationError: in place of an error that nobody foresaw.
    """
    try:
        yield
    except Exception as error:
        if blame(error) is not UNFORESEEN:
            raise
        raise PreparationError(f"{type(error).__name__}: {error}") from error

"""Failures of an attempt that the delivery itself raises; `blame` maps each to its reaction."""

from celery.exceptions import Reject

from common.errors import FleetError


class RejectToFront(Reject):  # type: ignore[misc]
    """The message goes back to the front of the queue; see `FleetRequest`."""


class ClaimedError(FleetError):
    """Another worker is at this batch."""

    label = "ClaimedError"


class TriedHereError(FleetError):
    """A batch at its limit failed on this worker already: another one has to try it."""

    label = "TriedHereError"


class PreparationError(FleetError):
    """An unforeseen error before the batch's rows were read."""

    label = "PreparationError"


class UnexpectedError(FleetError):
    """An unforeseen error; it counted against the batch."""

    label = "UnexpectedError"


class FailingWorkerError(FleetError):
    """The same, on a worker whose last batches all failed: it did not count."""

    label = "FailingWorkerError"


class DeadBatchError(Exception):
    """A batch was given up and its record written. Nobody catches it: the task is acknowledged as failed."""

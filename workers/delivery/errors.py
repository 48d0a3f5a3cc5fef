"""Failures of an attempt that the delivery itself raises; `blame` says what each leads to."""

from common.errors import FleetError


class ClaimedError(FleetError):
    """Another worker is at this batch."""


class TriedHereError(FleetError):
    """A batch at its limit failed on this worker already: another one has to try it."""


class PreparationError(FleetError):
    """Something that nobody foresaw, before the batch's rows were read."""


class UnexpectedError(FleetError):
    """Something that nobody foresaw; it counted against the batch."""


class FailingWorkerError(FleetError):
    """The same, on a worker whose last batches all failed: it did not count."""


class DeadBatchError(Exception):
    """A batch was given up and its record written. Nobody catches it: the task is acknowledged as failed."""

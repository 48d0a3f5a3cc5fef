"""Inputs of no use beside others that are."""

from common.run.part import PartError


class UselessPartError(PartError):
    """There is nothing to caption in it; beside other parts it is left out and counted.

    Args:
        address: of the file or folder.
        reason: why, as the log counts it.
        remedy: what to do.
    """

    def __init__(self, address: str, reason: str, remedy: str) -> None:
        super().__init__(f"{address}: {reason}; {remedy}")
        self.reason = reason

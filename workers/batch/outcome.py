"""The outcome of one row."""

from dataclasses import dataclass

from common.run.status import Status
from workers.captions import Captions


@dataclass(frozen=True, slots=True)
class Outcome:
    """A status, its detail, and the captions of a row that went well.

    Args:
        status: exactly one.
        error: the detail: a code, a rule, an exception.
        sha256: of the image bytes, in hexadecimal, where there were any.
        captions: of a row whose status is ok.
    """

    status: Status
    error: str | None = None
    sha256: str | None = None
    captions: Captions | None = None

"""What busy hosts answered, told to the fleet: once a second, complaints at once."""

import time
from dataclasses import dataclass, field

from common.growth import time_step
from common.run.status import Status
from workers.fetch.failure import Failure
from workers.fetch.host import Host
from workers.fetch.shared import Heard, Shared

PERIOD = 1.0
"""Seconds in which answers gather for one call."""


@dataclass(slots=True)
class _Answers:
    waits: bool = False
    complaints: int = 0
    steps: list[int] = field(default_factory=list)


class Hearing:
    """Gathers answers; those of hosts that nobody waits for are nobody's concern."""

    def __init__(self) -> None:
        self._answers: dict[Host, _Answers] = {}
        self._due_at = 0.0

    @property
    def is_due(self) -> bool:
        """Whether there is something to tell, and it is time."""
        return bool(self._answers) and time.monotonic() >= self._due_at

    def add(self, host: Host, failure: Failure | None, seconds: float) -> bool:
        """Take an answer, or its lack, after so many seconds; True where it is a complaint."""
        is_complaint = host.grows and _is_complaint(failure)
        if not is_complaint and not (host.is_contended or host.is_crowded):
            return False
        answers = self._answers.setdefault(host, _Answers())
        answers.waits = answers.waits or host.is_crowded
        answers.complaints += is_complaint
        answers.steps.append(time_step(seconds))
        if is_complaint:
            self._due_at = 0.0
        return is_complaint

    async def tell(self, shared: Shared) -> None:
        """Tell it, and hear how far the hosts' budgets have grown.

        Raises:
            SharedLostError: there is nobody to tell.
        """
        answers, self._answers = self._answers, {}
        self._due_at = time.monotonic() + PERIOD
        heard = [
            Heard(host.name, host.usual, host.most, it.waits, it.complaints, it.steps)
            for host, it in answers.items()
        ]
        limits = await shared.hear(heard)
        for host, limit in zip(answers, limits, strict=True):
            host.limit = limit


def _is_complaint(failure: Failure | None) -> bool:
    return failure is not None and (
        failure.is_busy or failure.trips or failure.status in {Status.HTTP_5XX, Status.TIMEOUT}
    )

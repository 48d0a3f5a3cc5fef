"""Limits of wrong codes: right ones are not counted, so that nobody is locked out by others."""

from starlette.requests import Request

from dataset.survey.web.limits import Limiter, neighbourhood
from dataset.survey.web.refusal import Refusal

ATTEMPTS = (1 / 30, 10)
"""Wrong codes of one neighbourhood: per second, and at once."""
ATTEMPTS_OF_ALL = (1.0, 60)


class Attempts:
    """Wrong codes of each neighbourhood, and of all together."""

    def __init__(self) -> None:
        self._of_host, self._of_all = Limiter(*ATTEMPTS), Limiter(*ATTEMPTS_OF_ALL)

    def count(self, request: Request) -> None:
        """Count a wrong code.

        Raises:
            Refusal: it is one of too many.
        """
        host = neighbourhood(request.client.host if request.client else "")
        wait = max(self._of_host.wait(host), self._of_all.wait(None))
        if wait:
            raise Refusal(429, retry_after=wait)
        self._of_host.spend(host)
        self._of_all.spend(None)

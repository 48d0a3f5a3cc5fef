"""The real app; the first attempt of a process meets a broker that is away: `-A tests.faults.no_broker`."""

from collections.abc import Callable

import redis

from workers.celery import app
from workers.delivery.attempt import Attempt
from workers.delivery.result import Result

_make: Callable[[Attempt], Result] = Attempt.make
_met: list[Attempt] = []


def _fail_once(self: Attempt) -> Result:
    if not _met:
        _met.append(self)
        raise redis.ConnectionError("connection refused")
    return _make(self)


Attempt.make = _fail_once  # type: ignore[method-assign]
app.conf.imports = ("workers.celery", "tests.faults.no_broker")  # what a child imports

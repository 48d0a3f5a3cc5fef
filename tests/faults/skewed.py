"""The real app under a wrong clock: `SKEW=600 celery -A tests.faults.skewed`."""

import os
import time

SKEW = float(os.environ["SKEW"])
_now = time.time


def _wrong() -> float:
    return _now() + SKEW


time.time = _wrong

from workers.celery import app  # noqa: E402 - whoever imports `time.time` by name must get the wrong one

app.conf.imports = ("tests.faults.skewed", "workers.celery")

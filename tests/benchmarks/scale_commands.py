"""The commands that `tests.benchmarks.scale` measures, each in a process of its own.

Nothing but the product is imported here, and of it only the part of the command: the memory is the command's.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from common.console.logs import configure_logs
from common.errors import FleetError
from common.settings import Settings
from common.store import open_store
from tests.peak import peak_bytes

URI = "s3://bucket/run"
FEW = "s3://bucket/few"
FEW_SHARDS = 3000
PARTS = "s3://bucket/in/part-*"
MEGA = 1 << 20


def main() -> None:
    configure_logs()
    name = sys.argv[1]
    figures = MEASURES[name]()
    print(json.dumps({**figures, f"{name}: seconds of CPU": _cpu()}))


def _timed(work: Callable[[], object]) -> tuple[float, object]:
    began = time.perf_counter()
    result = work()
    return round(time.perf_counter() - began, 2), result


def _cpu() -> float:
    """Of this process and its children, the start included: what a busy machine does not stretch."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return round(sum(one.ru_utime + one.ru_stime for one in spent), 1)


def _peak() -> int:
    return peak_bytes() // MEGA


def _look() -> dict[str, Any]:
    from producer.status import StatusReader  # noqa: PLC0415 - its memory alone is measured

    settings = Settings()
    store = open_store(URI, settings.s3)
    opened, reader = _timed(lambda: StatusReader(store, settings))
    assert isinstance(reader, StatusReader)
    first, state = _timed(reader.read)
    later = [_timed(reader.read)[0] for _ in range(3)]
    return {
        "reading the manifest": opened,
        "first look": round(opened + first, 2),
        "later look": max(later),
        "megabytes of a look": _peak(),
        "state": str(state),
    }


def _requeue(*, dead: bool) -> dict[str, Any]:
    from producer.requeue import requeue  # noqa: PLC0415 - as above

    name = "requeue --dead" if dead else "requeue --missing"
    seconds, done = _timed(lambda: requeue(URI, Settings(), dead=dead))
    return {name: seconds, f"{name}: megabytes": _peak(), f"{name}: answer": str(done)}


def _enqueue_again() -> dict[str, Any]:
    """The whole command; every part is in the run."""
    from producer.enqueue import enqueue  # noqa: PLC0415 - as above

    seconds, done = _timed(lambda: enqueue([PARTS], URI, Settings()))
    return {"enqueue again": seconds, "enqueue again: megabytes": _peak(), "enqueue again: answer": str(done)}


def _plan() -> dict[str, Any]:
    """The same parts for another run; then its manifest, without the queueing."""
    from producer.enqueue import Plan, plan_run  # noqa: PLC0415 - as above
    from producer.run import write_parts  # noqa: PLC0415

    planning, plan = _timed(lambda: plan_run([PARTS], f"{URI}-planned", Settings()))
    assert isinstance(plan, Plan)
    writing, _ = _timed(lambda: write_parts(plan.store, plan.new))
    return {"planning": planning, "writing the manifest": writing, "planning: megabytes": _peak()}


def _verify() -> dict[str, Any]:
    """A sample of shards that hold one row instead of 10,000: bad ones, whose reading costs no decoding."""
    from producer.verify import Verdict, verify  # noqa: PLC0415 - as above

    settings = Settings()
    seconds, verdict = _timed(lambda: verify(open_store(URI, settings.s3), settings.s3, 1.0))
    assert isinstance(verdict, Verdict)
    return {
        "verify --sample 1%": seconds,
        "verify: megabytes": _peak(),
        "verify: sample": str(verdict.sample),
    }


def _retry() -> dict[str, Any]:
    """A run of few parts: shards a second, each by its status column; none has a row to retry."""
    from producer.retry import retry  # noqa: PLC0415 - as above

    def no_row() -> None:
        with suppress(FleetError):
            retry(FEW, f"{FEW}-again", "timeout", Settings())

    seconds, _ = _timed(no_row)
    rate = round(FEW_SHARDS / seconds)
    return {"retry: shards": FEW_SHARDS, "retry": seconds, "retry: shards a second": rate}


MEASURES: dict[str, Callable[[], dict[str, Any]]] = {
    "look": _look,
    "missing": lambda: _requeue(dead=False),
    "enqueue again": _enqueue_again,
    "dead": lambda: _requeue(dead=True),
    "verify": _verify,
    "retry": _retry,
    "plan": _plan,
}


if __name__ == "__main__":
    main()

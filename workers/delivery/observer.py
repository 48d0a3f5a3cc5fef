"""What the world is told of attempts: log lines, metrics and the health of this process."""

import structlog

from common.delay import LONGEST
from common.errors import FleetError
from common.metrics import ATTEMPTS, DEAD, PUT_BACK, ROWS, SET_ASIDE
from common.settings import Settings
from workers.delivery.backoff import SHORT_PAUSE, backoff
from workers.delivery.blame import Kind, Reaction, describe
from workers.delivery.errors import FailingWorkerError, UnexpectedError
from workers.delivery.result import End, Result
from workers.device.errors import find_device_error
from workers.health import ChildHealth

log = structlog.get_logger(__name__)


class Observer:
    """Turns the results of one worker's attempts into log lines, metrics and health files."""

    def __init__(self, settings: Settings) -> None:
        self._health = ChildHealth(settings.health)
        # The lease is not renewed during a pause: well before it ends the message must be back.
        self._longest = min(LONGEST, settings.lease.visibility_timeout / 3)

    def record_end(self, result: Result, seconds: float) -> None:
        """An attempt ended its message."""
        level, event = _EVENTS[result.end]
        log.log(level, event, seconds=round(seconds, 1), **_details(result))
        if result.end is not End.SETTLED:
            ATTEMPTS.labels(result.end.value).inc()
        if result.failure is not None:
            DEAD.labels(result.failure.reason.value).inc()
            return
        for status, count in result.rows.items():
            ROWS.labels(status).inc(count)
        if result.end is not End.SETTLED:
            backoff.reset()
            self._health.mark_ready()

    def record_return(self, error: Exception, kind: Kind) -> float:
        """A batch goes back to the queue.

        Returns:
            Seconds to wait first: a fixed delay for a per-batch error, exponential back-off for an outage.
        """
        PUT_BACK.labels(_label(find_device_error(error) or error)).inc()
        is_failure = isinstance(error, UnexpectedError | FailingWorkerError)
        ATTEMPTS.labels(_FAILED if is_failure else _PUT_BACK).inc()
        is_outage = kind.reaction is Reaction.WITHDRAW
        if is_outage:
            self._health.mark_unready()
        pause = backoff.next_pause(self._longest) if is_outage else SHORT_PAUSE
        log.log(
            _WARNING if kind.reaction is Reaction.RETURN else _ERROR,
            "batch put back",
            reason=describe(error, kind),
            culprit=kind.culprit,
            pause_seconds=pause,
        )
        return pause

    def record_set_aside(self, reason: str) -> None:
        """A message was kept for an operator."""
        log.error("message set aside", reason=reason)
        SET_ASIDE.inc()


_PUT_BACK, _FAILED = "put_back", "failed"
COUNTED_ENDS = (End.COMMITTED, End.LATE, End.DEAD, _PUT_BACK, _FAILED)
"""How a counted attempt may end."""

_INFO, _WARNING, _ERROR = 20, 30, 40
_EVENTS = {
    End.SETTLED: (_INFO, "batch settled already"),
    End.COMMITTED: (_INFO, "shard written"),
    End.LATE: (_INFO, "another worker's shard was first"),
    End.DEAD: (_ERROR, "batch dead"),
}


def _label(error: Exception) -> str:
    known = find_device_error(error) or error
    return known.label if isinstance(known, FleetError) else type(known).__name__


def _details(result: Result) -> dict[str, object]:
    if result.failure is not None:
        failure = result.failure
        return {"reason": failure.reason.value, "error": failure.error, "crashed": failure.crashed}
    return {"rows": dict(result.rows)} if result.rows else {}

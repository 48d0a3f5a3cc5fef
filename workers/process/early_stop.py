"""Signals in a worker's first seconds: as process 1 of a container it would ignore them until Celery listens.

Imports next to nothing, since imports take the seconds.
"""

import os
import signal
from types import FrameType

CODES = {signal.SIGTERM: 0, signal.SIGINT: 130, signal.SIGQUIT: 131}
"""Exit codes while there is nothing to put back."""

IS_HANGUP_IGNORED = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
"""As `nohup` wants it; Celery would replace it."""


def end_on_signals() -> None:
    """End at once, until the worker listens itself. Not in a child of the pool: its parent decides."""
    if "FORKED_BY_MULTIPROCESSING" not in os.environ:
        for number in CODES:
            signal.signal(number, _end)


def _end(number: int, _: FrameType | None) -> None:
    os._exit(CODES[signal.Signals(number)])

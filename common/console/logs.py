"""Logs: JSON lines off a terminal, readable ones on it; Celery's own included."""

import logging
import os
import sys
from collections.abc import MutableMapping
from logging.handlers import WatchedFileHandler
from typing import Any

import structlog
from structlog.typing import Processor, WrappedLogger

from common.errors import FleetError

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LONGEST_VALUE = 512


def configure_logs(level: str | None = None, *, file: str | None = None) -> None:
    """Send all log records of this process to standard error, or to a file.

    Args:
        level: a name of the logging module; by default that of `LOG_LEVEL`, else INFO.
        file: that may be moved away while it is written to, as logrotate does.

    Raises:
        FleetError: `LOG_LEVEL` names none, or the file cannot be written.
    """
    handler = _handler(file)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared_processors(),
            processors=_renderers(terminal=file is None and sys.stderr.isatty()),
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level or log_level())
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[*_shared_processors(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _handler(file: str | None) -> logging.Handler:
    if file is None:
        return logging.StreamHandler(sys.stderr)
    try:
        return WatchedFileHandler(file)
    except OSError as error:
        raise FleetError(f"{file}: {error.strerror}; name another --logfile") from error


def log_level() -> str:
    """The level that `LOG_LEVEL` names, in any case; INFO where it is not set.

    Raises:
        FleetError: there is no such level.
    """
    level = os.environ.get("LOG_LEVEL", "").strip().upper() or "INFO"
    if level not in logging.getLevelNamesMapping():  # aliases such as WARN too
        raise FleetError(f"LOG_LEVEL: {level!r} is not one of {', '.join(LEVELS)}")
    return level


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _shorten,
    ]


def _renderers(*, terminal: bool) -> list[Processor]:
    renderer: Processor = structlog.processors.JSONRenderer()
    if terminal:
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]


def _shorten(_: WrappedLogger, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Bound the length of values: URLs and captions are untrusted text."""
    for name, value in event.items():
        if name not in {"exception", "_record"} and isinstance(value, str) and len(value) > LONGEST_VALUE:
            event[name] = value[: LONGEST_VALUE - 1] + "…"
    return event

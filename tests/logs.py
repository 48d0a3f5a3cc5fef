"""The log lines of one module, whatever earlier tests have done to the logs of this process."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from unittest import mock

import structlog


@contextmanager
def log_lines(module: ModuleType) -> Iterator[list[MutableMapping[str, Any]]]:
    """What `module.log` is told within the block: a logger that was used before would not be captured."""
    with structlog.testing.capture_logs() as lines, mock.patch.object(module, "log", structlog.get_logger()):
        yield lines

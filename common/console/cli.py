"""Shared by all commands: settings, one-line errors, exit codes."""

import os
import sys

import structlog
from pydantic import ValidationError

from common.console.logs import log_level
from common.console.words import printable
from common.errors import FleetError
from common.settings import Settings
from common.settings.environment import require_readable

log = structlog.get_logger(__name__)

EXIT_DONE = 0
EXIT_INCOMPLETE = 1
"""Something is missing, dead or bad."""
EXIT_USAGE = 2
"""Wrong usage or bad input."""
EXIT_INTERRUPTED = 130


def fail(error: FleetError) -> int:
    """Print the line; returns the exit code."""
    sys.stderr.write(f"error: {printable(' '.join(str(error).split()))}\n")
    return EXIT_USAGE


def load_settings() -> Settings:
    """The settings of the environment.

    Raises:
        FleetError: the value of a variable is invalid; the line names it.
    """
    require_readable(os.environ)
    log_level()
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(["FLEET", *(str(step).upper() for step in first["loc"] if not isinstance(step, int))])
        reason = first["msg"].removeprefix("Value error, ")
        raise FleetError(f"{name}: {reason}" if first["loc"] else reason) from error
    if not settings.fetch.opt_out:
        log.warning("FLEET_FETCH_OPT_OUT is an old name; write FLEET_MANNERS_SIGNS= to honour no sign")
    return settings


def output_uri(option: str | None, settings: Settings) -> str:
    """The `--output` option, else FLEET_OUTPUT.

    Raises:
        FleetError: neither is set.
    """
    uri = option or settings.output
    if not uri:
        raise FleetError("no output: give --output URI or set FLEET_OUTPUT")
    return uri

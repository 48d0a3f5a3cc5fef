"""What every command does alike: settings, errors as one line, exit codes."""

import os
import sys
from collections.abc import Iterable
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError

from common import __version__
from common.console.logs import configure_logs
from common.errors import FleetError
from common.settings import GROUPS, PREFIX, Settings

EXIT_DONE = 0
EXIT_INCOMPLETE = 1
"""Something is missing, dead or bad."""
EXIT_USAGE = 2
"""Wrong use or bad input."""
EXIT_INTERRUPTED = 130


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
]
"""The option that every console script has."""


def run_command(app: typer.Typer) -> NoReturn:
    """Run a console script; every `FleetError` becomes one line on standard error and exit code 2."""
    configure_logs()
    try:
        app()
    except FleetError as error:
        sys.exit(fail(error))
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    sys.exit(EXIT_DONE)


def fail(error: FleetError) -> int:
    """Print the line; returns the exit code."""
    sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
    return EXIT_USAGE


def load_settings() -> Settings:
    """The settings of the environment.

    Raises:
        FleetError: a variable holds something that it cannot; the line names it.
    """
    _must_be_known(os.environ)
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(["FLEET", *(str(step).upper() for step in first["loc"] if not isinstance(step, int))])
        reason = first["msg"].removeprefix("Value error, ")
        raise FleetError(f"{name}: {reason}" if first["loc"] else reason) from error


def _must_be_known(environment: Iterable[str]) -> None:
    """A misspelt variable would silently be a default."""
    for name in environment:
        rest = name.removeprefix(PREFIX).lower()
        group = rest.partition("_")[0]
        if name.startswith(PREFIX) and rest not in Settings.model_fields and group not in GROUPS:
            raise FleetError(f"{name}: there is no such setting; docs/settings.md lists them all")


def output_uri(option: str | None, settings: Settings) -> str:
    """What `--output` says, or FLEET_OUTPUT.

    Raises:
        FleetError: neither is set.
    """
    uri = option or settings.output
    if not uri:
        raise FleetError("no output: give --output URI or set FLEET_OUTPUT")
    return uri

"""A console script: its commands, and the setup that every one shares."""

import sys
from collections.abc import Callable, Mapping
from typing import Annotated, NoReturn

import typer

from common.console.cli import EXIT_DONE, EXIT_INTERRUPTED, fail
from common.console.logs import configure_logs
from common.errors import FleetError
from common.version import __version__

EPILOG = "Settings are environment variables with the prefix FLEET_; docs/settings.md lists them all."


def make_script(summary: str, commands: Mapping[str, Callable[..., None] | typer.Typer]) -> typer.Typer:
    """The script for `run_script`.

    Args:
        summary: one sentence on top of its help.
        commands: by name; an app is a group of commands.
    """
    app = typer.Typer(
        help=summary,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        epilog=EPILOG,
    )
    app.callback()(_common_options)
    for name, command in commands.items():
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def run_script(app: typer.Typer) -> NoReturn:
    """Run it and exit; every `FleetError` becomes one line on standard error and exit code 2."""
    try:
        configure_logs()
        app()
    except FleetError as error:
        sys.exit(fail(error))
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    sys.exit(EXIT_DONE)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


def _common_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of every script."""

"""The console script `producer`."""

import json
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.live import Live

from common import __version__
from common.cli import EXIT_DONE, EXIT_INCOMPLETE, load_settings, output_uri, run_command
from producer.report import status_table

if TYPE_CHECKING:
    from producer.enqueue import Enqueued
    from producer.status import RunStatus, StatusReader

app = typer.Typer(
    help="Plan, queue and follow the captioning of a list of image URLs.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="Settings are environment variables with the prefix FLEET_; the README lists them all.",
)

PARTS_HELP = (
    "Parquet files with a URL column and, if possible, TEXT: paths, folders, quoted globs,"
    " s3://bucket/key (globs too) or hf://datasets/owner/name/path."
)
Parts = Annotated[list[str], typer.Argument(metavar="PART...", help=PARTS_HELP, show_default=False)]
Output = Annotated[
    str | None,
    typer.Option(metavar="URI", help="Folder or s3://bucket/prefix of the run.", show_default="FLEET_OUTPUT"),
]
BatchRows = Annotated[
    int | None, typer.Option(min=1, help="Rows of one batch, fixed for the run.", show_default="10000")
]
LimitRows = Annotated[
    int | None, typer.Option(min=1, help="Take only the first rows, counted over all parts.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

WATCH_EVERY = 2.0
"""Seconds between two looks; a look that takes long is followed by a longer pause."""


def main() -> None:
    """Entry point of the console script."""
    run_command(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Nothing of its own: options that every command shares."""


@app.command("enqueue")
def enqueue_command(
    parts: Parts, output: Output = None, batch_rows: BatchRows = None, limit_rows: LimitRows = None
) -> None:
    """Add parts to a run and queue their batches. Doing it again adds nothing.

    Example: producer enqueue 'laion5b-part-*' --output s3://bucket/run
    """
    from producer.enqueue import enqueue  # noqa: PLC0415 - `--help` waits for no library

    settings = load_settings()
    done = enqueue(
        parts, output_uri(output, settings), settings, batch_rows=batch_rows, limit_rows=limit_rows
    )
    typer.echo(_sentence(done))


def _sentence(done: "Enqueued") -> str:
    before = f"{done.done} done, {done.queued} queued and {done.dead} dead before"
    return f"{done.run}: {done.sent} batches queued from {done.parts} parts ({before})"


@app.command()
def status(
    output: Output = None,
    watch: Annotated[bool, typer.Option(help="Look again until the run is finished.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how far a run is: batches, rows by status, rate and time left.

    Exit code 1 if a batch is dead or missing.
    """
    from common.store import absolute_uri, open_store  # noqa: PLC0415 - as above
    from producer.status import StatusReader  # noqa: PLC0415

    settings = load_settings()
    reader = StatusReader(open_store(absolute_uri(output_uri(output, settings)), settings.s3), settings)
    state = _watch(reader, as_json=as_json) if watch else reader.read()
    if not watch:
        _print(state, as_json=as_json)
    raise typer.Exit(EXIT_INCOMPLETE if state.incomplete else EXIT_DONE)


def _print(state: "RunStatus", *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(state.to_json()))
    else:
        Console().print(status_table(state))


def _watch(reader: "StatusReader", *, as_json: bool) -> "RunStatus":
    """On a terminal one table that changes; elsewhere one JSON object a look."""
    if as_json or not sys.stdout.isatty():
        return _follow(reader, lambda state: _print(state, as_json=True))
    with Live(console=Console(), auto_refresh=False) as screen:
        return _follow(reader, lambda state: screen.update(status_table(state), refresh=True))


def _follow(reader: "StatusReader", show: Callable[["RunStatus"], None]) -> "RunStatus":
    while True:
        began = time.monotonic()
        state = reader.read()
        show(state)
        if state.finished:
            return state
        time.sleep(max(WATCH_EVERY, 5 * (time.monotonic() - began)))


@app.command()
def local(
    parts: Parts,
    output: Output = None,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes; worker i gets GPU i.")] = 1,
    batch_rows: BatchRows = None,
    limit_rows: LimitRows = None,
) -> None:
    """Do a whole run on this machine: broker, workers and all. Started again it goes on.

    Exit code 1 if a batch could not be done.
    """
    from producer.local import run_locally  # noqa: PLC0415 - as above

    settings = load_settings()
    state = run_locally(
        parts,
        output_uri(output, settings),
        settings,
        workers=workers,
        batch_rows=batch_rows,
        limit_rows=limit_rows,
    )
    _print(state, as_json=False)
    raise typer.Exit(EXIT_DONE if state.batches.done == state.batches.total else EXIT_INCOMPLETE)

"""The console script `producer`."""

import json
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.live import Live

from common.console.cli import EXIT_DONE, EXIT_INCOMPLETE, Version, load_settings, output_uri, run_command
from common.errors import FleetError
from common.run.batch import MAX_BATCH_ROWS
from common.run.failure_record import Reason
from producer.options import EnqueueOptions
from producer.report import status_table, verdict_text

if TYPE_CHECKING:
    from producer.enqueue import Enqueued
    from producer.status import RunStatus, StatusReader

app = typer.Typer(
    help="Plan, queue and follow the captioning of images: links, or those that are here.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="Settings are environment variables with the prefix FLEET_; docs/settings.md lists them all.",
)

PARTS_HELP = (
    "Links: parquet with a URL column and, if possible, TEXT; csv, tsv, jsonl and text files, also .gz and"
    " .zst. Images: folders of them, tars in WebDataset's layout, parquet that holds them. Files, folders,"
    " trees and quoted globs; here, at s3://bucket/key or hf://datasets/owner/name/path."
)
Parts = Annotated[list[str], typer.Argument(metavar="PART...", help=PARTS_HELP, show_default=False)]
Output = Annotated[
    str | None,
    typer.Option(metavar="URI", help="Folder or s3://bucket/prefix of the run.", show_default="FLEET_OUTPUT"),
]
BatchRows = Annotated[
    int | None,
    typer.Option(
        min=1, max=MAX_BATCH_ROWS, help="Rows of one batch, fixed for the run.", show_default="10000"
    ),
]
LocalBatchRows = Annotated[
    int | None,
    typer.Option(
        min=1, help="Rows of one batch, fixed for the run.", show_default="10000; without a GPU fewer"
    ),
]
LimitRows = Annotated[
    int | None, typer.Option(min=1, help="Take only the first rows, counted over all parts.")
]
SkipBadLines = Annotated[
    bool, typer.Option("--skip-bad-lines", help="Leave out and count the lines of a list that are damaged.")
]
As = Annotated[
    Literal["links"] | None,
    typer.Option("--as", help="Download the links of files that also hold images.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

WATCH_EVERY = 2.0
"""Seconds between two polls, more after a slow one."""


def main() -> None:
    """Entry point of the console script."""
    run_command(app)


@app.callback()
def _root(
    version: Version = False,
) -> None:
    """Options of every command."""


@app.command("enqueue")
def enqueue_command(
    parts: Parts,
    output: Output = None,
    *,
    batch_rows: BatchRows = None,
    limit_rows: LimitRows = None,
    skip_bad_lines: SkipBadLines = False,
    as_: As = None,
    stage: Annotated[
        bool,
        typer.Option(
            "--stage",
            help="First copy into the run, once, parts on hf:// and those of which the batches"
            " would move more than 50 times their size (few, huge row groups).",
        ),
    ] = False,
) -> None:
    """Add parts to a run and queue their batches. Doing it again adds nothing.

    Example: producer enqueue 'laion5b-part-*' --output s3://bucket/run
    """
    from producer.enqueue import enqueue  # noqa: PLC0415 - `--help` waits for no library

    settings = load_settings()
    options = EnqueueOptions(
        batch_rows=batch_rows,
        as_links=as_ == "links",
        limit_rows=limit_rows,
        skip_bad_lines=skip_bad_lines,
        stage=stage,
    )
    done = enqueue(parts, output_uri(output, settings), settings, options)
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
    """Show the progress of a run.

    Batches, rows by status, rate and time left.

    Exit code 1 if a batch is dead or missing.
    """
    from common.store import absolute_uri, open_store  # noqa: PLC0415 - as above
    from producer.status import StatusReader  # noqa: PLC0415

    settings = load_settings()
    reader = StatusReader(open_store(absolute_uri(output_uri(output, settings)), settings.s3), settings)
    state = _watch(reader, as_json=as_json) if watch else reader.read()
    if not watch:
        _print(state, as_json=as_json)
    raise typer.Exit(EXIT_INCOMPLETE if state.is_incomplete else EXIT_DONE)


def _print(state: "RunStatus", *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(state.to_json()))
    else:
        Console().print(status_table(state))


def _watch(reader: "StatusReader", *, as_json: bool) -> "RunStatus":
    """On a terminal one live table; elsewhere one JSON object per poll."""
    if as_json or not sys.stdout.isatty():
        return _follow(reader, lambda state: _print(state, as_json=True))
    with Live(console=Console(), auto_refresh=False) as screen:
        return _follow(reader, lambda state: screen.update(status_table(state), refresh=True))


def _follow(reader: "StatusReader", show: Callable[["RunStatus"], None]) -> "RunStatus":
    while True:
        began = time.monotonic()
        state = reader.read()
        show(state)
        if state.is_finished:
            return state
        time.sleep(max(WATCH_EVERY, 5 * (time.monotonic() - began)))


@app.command()
def requeue(
    output: Output = None,
    missing: Annotated[
        bool,
        typer.Option("--missing", help="Queue the batches that are neither done nor waiting (the default)."),
    ] = False,
    dead: Annotated[
        bool, typer.Option("--dead", help="Also forget the failures of dead batches, and queue them.")
    ] = False,
    reason: Annotated[
        Reason | None, typer.Option(help="With --dead: only those that died of this.", show_default=False)
    ] = None,
) -> None:
    """Queue lost batches again.

    These are the run's manifest minus its output, its queue and its running batches. Safe at any time, from a
    cron job, and by two people at once.
    """
    from producer.requeue import requeue as requeue_batches  # noqa: PLC0415 - as above

    if reason is not None and not dead:
        raise FleetError("--reason goes with --dead")
    _ = missing  # missing batches are always queued: the flag is for scripts
    settings = load_settings()
    done = requeue_batches(output_uri(output, settings), settings, dead=dead, reason=reason)
    typer.echo(_sentence(done))


@app.command()
def retry(
    status: Annotated[
        str, typer.Option(metavar="STATUS,...", help="Statuses to try again, such as timeout,dns_error.")
    ],
    run: Annotated[
        str | None,
        typer.Option(metavar="URI", help="The run whose rows failed.", show_default="FLEET_OUTPUT"),
    ] = None,
    output: Output = None,
) -> None:
    """Try another run's failed rows again, in a run of their own.

    `dataset merge` joins the two.

    Example: producer retry --run s3://bucket/run --output s3://bucket/run-again --status timeout,http_5xx
    """
    from producer.retry import retry as retry_rows  # noqa: PLC0415 - as above

    settings = load_settings()
    done = retry_rows(output_uri(run, settings), output_uri(output, settings), status, settings)
    typer.echo(_sentence(done))


@app.command()
def verify(
    output: Output = None,
    as_json: AsJson = False,
    sample: Annotated[
        str | None,
        typer.Option(metavar="P%", help="Read only a random share of the shards.", show_default=False),
    ] = None,
) -> None:
    """Read every shard of a run and report each fault.

    Each row is there once, nothing is damaged, counts and provenance are consistent. Interrupted and started
    again it goes on where it was. A sample says with which confidence it speaks of all.

    Exit code 1 if something is missing, dead or bad.
    """
    from common.store import absolute_uri, open_store  # noqa: PLC0415 - as above
    from producer.sample import parse_percent  # noqa: PLC0415
    from producer.verify import verify as verify_run  # noqa: PLC0415

    percent = None if sample is None else parse_percent(sample)
    settings = load_settings()
    store = open_store(absolute_uri(output_uri(output, settings)), settings.s3)
    verdict = verify_run(store, settings.s3, percent)
    typer.echo(json.dumps(verdict.to_json()) if as_json else verdict_text(verdict))
    raise typer.Exit(EXIT_DONE if verdict.is_clean else EXIT_INCOMPLETE)


@app.command()
def local(
    parts: Parts,
    output: Output = None,
    *,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes; worker i gets GPU i.")] = 1,
    batch_rows: LocalBatchRows = None,
    limit_rows: LimitRows = None,
    skip_bad_lines: SkipBadLines = False,
    as_: As = None,
) -> None:
    """Do a whole run on this machine: broker, workers and all. Started again it goes on.

    Exit code 1 if a batch could not be done.
    """
    from producer.local import run_locally  # noqa: PLC0415 - as above

    settings = load_settings()
    options = EnqueueOptions(
        batch_rows=batch_rows,
        as_links=as_ == "links",
        limit_rows=limit_rows,
        skip_bad_lines=skip_bad_lines,
    )
    state = run_locally(parts, output_uri(output, settings), settings, options, workers=workers)
    _print(state, as_json=False)
    raise typer.Exit(EXIT_DONE if state.batches.done == state.batches.total else EXIT_INCOMPLETE)

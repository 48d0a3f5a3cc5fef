"""Commands that look at a run."""

import json
from typing import Annotated

import typer

from common.console.cli import EXIT_DONE, EXIT_INCOMPLETE, load_settings, output_uri
from producer.cli.arguments import AsJson, Output
from producer.cli.show import print_status, watch_status
from producer.report import verdict_text


def status_command(
    output: Output = None,
    watch: Annotated[bool, typer.Option(help="Look again until the run is finished.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the progress of a run.

    Batches, rows by status, rate and time left.

    Exit code 1 if a batch is dead or missing.
    """
    from common.store import absolute_uri, open_store
    from producer.status import StatusReader

    settings = load_settings()
    reader = StatusReader(open_store(absolute_uri(output_uri(output, settings)), settings.s3), settings)
    state = watch_status(reader, as_json=as_json) if watch else reader.read()
    if not watch:
        print_status(state, as_json=as_json)
    raise typer.Exit(EXIT_INCOMPLETE if state.is_incomplete else EXIT_DONE)


def verify_command(
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
    from common.store import absolute_uri, open_store
    from producer.sample import parse_percent
    from producer.verify import verify

    percent = None if sample is None else parse_percent(sample)
    settings = load_settings()
    store = open_store(absolute_uri(output_uri(output, settings)), settings.s3)
    verdict = verify(store, settings.s3, percent)
    typer.echo(json.dumps(verdict.to_json()) if as_json else verdict_text(verdict))
    raise typer.Exit(EXIT_DONE if verdict.is_clean else EXIT_INCOMPLETE)

"""Commands that begin or extend a run."""

from typing import Annotated

import typer

from common.console.cli import EXIT_DONE, EXIT_INCOMPLETE, load_settings, output_uri
from producer.cli.arguments import As, BatchRows, LimitRows, LocalBatchRows, Output, Parts, SkipBadLines
from producer.cli.show import print_status


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
    from producer.enqueue import enqueue
    from producer.options import EnqueueOptions

    settings = load_settings()
    options = EnqueueOptions(
        batch_rows=batch_rows,
        as_links=as_ == "links",
        limit_rows=limit_rows,
        skip_bad_lines=skip_bad_lines,
        stage=stage,
    )
    done = enqueue(parts, output_uri(output, settings), settings, options)
    typer.echo(done.sentence())


def local_command(
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
    from producer.local import run_locally
    from producer.options import EnqueueOptions

    settings = load_settings()
    options = EnqueueOptions(
        batch_rows=batch_rows,
        as_links=as_ == "links",
        limit_rows=limit_rows,
        skip_bad_lines=skip_bad_lines,
    )
    state = run_locally(parts, output_uri(output, settings), settings, options, workers=workers)
    print_status(state, as_json=False)
    raise typer.Exit(EXIT_DONE if state.batches.done == state.batches.total else EXIT_INCOMPLETE)

"""Commands that bring back lost batches and failed rows."""

from typing import Annotated

import typer

from common.console.cli import load_settings, output_uri
from common.errors import FleetError
from common.run.failure_record import Reason
from producer.cli.arguments import Output


def requeue_command(
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
    from producer.requeue import requeue

    if reason is not None and not dead:
        raise FleetError("--reason goes with --dead")
    _ = missing  # missing batches are always queued: the flag is for scripts
    settings = load_settings()
    done = requeue(output_uri(output, settings), settings, dead=dead, reason=reason)
    typer.echo(done.sentence())


def retry_command(
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
    from producer.retry import retry

    settings = load_settings()
    done = retry(output_uri(run, settings), output_uri(output, settings), status, settings)
    typer.echo(done.sentence())

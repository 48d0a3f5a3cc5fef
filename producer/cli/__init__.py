"""The console script `producer`."""

import typer

from common.console.cli import Version, run_command
from producer.cli.begin import enqueue_command, local_command
from producer.cli.look import status_command, verify_command
from producer.cli.repair import requeue_command, retry_command

app = typer.Typer(
    help="Plan, queue and follow the captioning of images: links, or those that are here.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="Settings are environment variables with the prefix FLEET_; docs/settings.md lists them all.",
)


def main() -> None:
    """Entry point of the console script."""
    run_command(app)


@app.callback()
def _root(
    version: Version = False,
) -> None:
    """Options of every command."""


app.command("enqueue")(enqueue_command)
app.command("status")(status_command)
app.command("requeue")(requeue_command)
app.command("retry")(retry_command)
app.command("verify")(verify_command)
app.command("local")(local_command)

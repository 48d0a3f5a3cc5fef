"""The console script `dataset`."""

import typer

from common.console.cli import Version, run_command
from dataset.cli.card import card_command
from dataset.cli.look import gallery_command, score_command, stats_command
from dataset.cli.make import merge_command, publish_command, withdraw_command
from dataset.survey.cli import app as survey_app

app = typer.Typer(
    help="From the shards of a run to what people get.",
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
    """Nothing of its own: options that every command shares."""


app.command("merge")(merge_command)
app.command("card")(card_command)
app.command("stats")(stats_command)
app.command("gallery")(gallery_command)
app.command("withdraw")(withdraw_command)
app.command("score")(score_command)
app.command("publish")(publish_command)
app.add_typer(survey_app, name="survey")

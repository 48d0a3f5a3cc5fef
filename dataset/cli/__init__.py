"""The console script `dataset`."""

from common.console.script import make_script, run_script
from dataset.cli.card import card_command
from dataset.cli.look import gallery_command, score_command, stats_command
from dataset.cli.make import merge_command, publish_command, withdraw_command
from dataset.survey.cli import app as survey

app = make_script(
    "From the shards of a run to what people get.",
    {
        "merge": merge_command,
        "card": card_command,
        "stats": stats_command,
        "gallery": gallery_command,
        "withdraw": withdraw_command,
        "score": score_command,
        "publish": publish_command,
        "survey": survey,
    },
)


def main() -> None:
    """Entry point of the console script."""
    run_script(app)

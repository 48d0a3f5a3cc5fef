"""The console script `producer`."""

from common.console.script import make_script, run_script
from producer.cli.begin import enqueue_command, local_command
from producer.cli.look import status_command, verify_command
from producer.cli.repair import requeue_command, retry_command

app = make_script(
    "Plan, queue and follow the captioning of images: links, or those that are here.",
    {
        "enqueue": enqueue_command,
        "status": status_command,
        "requeue": requeue_command,
        "retry": retry_command,
        "verify": verify_command,
        "local": local_command,
    },
)


def main() -> None:
    """Entry point of the console script."""
    run_script(app)

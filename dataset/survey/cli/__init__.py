"""`dataset survey`: build, invite, serve, report."""

import typer

from dataset.survey.cli.build import build_command
from dataset.survey.cli.raters import erase_command, invite_command, serve_command
from dataset.survey.cli.report import report_command

app = typer.Typer(
    help="Ask people: human or machine, and how good?\n\nThis repeats the human evaluation of LAION-COCO.",
    no_args_is_help=True,
)
app.command("build")(build_command)
app.command("invite")(invite_command)
app.command("serve")(serve_command)
app.command("erase")(erase_command)
app.command("report")(report_command)

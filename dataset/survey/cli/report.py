"""`dataset survey report`."""

from pathlib import Path
from typing import Annotated

import typer

from dataset.survey.layout import REPORT


def report_command(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Folders of surveys, each a round of its own.")
    ],
    *,
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the report.", show_default="DIR/report")
    ] = None,
    without: Annotated[
        list[int] | None, typer.Option(metavar="N", help="Rater to leave out, by number; repeat it.")
    ] = None,
) -> None:
    """Report the answers beside the original's tables.

    A page, Markdown, JSON, and the answers as parquet.

    Example: dataset survey report survey survey-machine-only --output report
    """
    from dataset.survey.report.write import PAGE, write_report

    target = output or folders[0] / REPORT
    for one in write_report(folders, target, without or ()):
        typer.echo(f"{one.answers} answers of {one.raters} raters to {one.samples} samples")
    typer.echo(f"report: {(target / PAGE).absolute()}")

"""The commands about raters: invite, serve, erase."""

from pathlib import Path
from typing import Annotated

import typer

from dataset.survey.layout import ANSWERS, read_survey

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the survey.")]


def invite_command(
    folder: Folder,
    *,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="Raters to invite.")] = 1,
    url: Annotated[str, typer.Option(help="Where raters reach the survey: prints links.")] = "",
) -> None:
    """Print new invitation codes, one for each rater.

    They are shown this once.

    Example: dataset survey invite survey --count 20 --url https://survey.example.org
    """
    from dataset.survey.database import open_database
    from dataset.survey.raters import invite

    read_survey(folder)
    with open_database(folder / ANSWERS) as database:
        for code in invite(database, count):
            typer.echo(f"{url.rstrip('/')}/#{code}" if url else code)


def serve_command(
    folder: Folder,
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on.")] = 8000,
    url: Annotated[
        str | None, typer.Option(help="Where raters reach it, if a proxy changes the Host header.")
    ] = None,
) -> None:
    """Serve the survey to raters.

    Put a proxy that speaks https before it. One on another machine must be named in FORWARDED_ALLOW_IPS.

    Example: dataset survey serve survey --port 8000
    """
    from dataset.survey.serve import serve

    serve(folder, host, port, url)


def erase_command(
    folder: Folder,
    *,
    rater: Annotated[int, typer.Option(metavar="N", help="Number of the rater, as reports show it.")],
) -> None:
    """Delete all that is known of a rater.

    That is the code, the sessions and every answer, as people may ask for. Copies of answers.db are yours to
    delete; a report that is written again no longer holds them.

    Example: dataset survey erase survey --rater 7
    """
    from dataset.survey.database import open_database
    from dataset.survey.raters import erase

    read_survey(folder)
    with open_database(folder / ANSWERS) as database:
        typer.echo(f"{erase(database, rater)} answers of rater {rater} deleted")

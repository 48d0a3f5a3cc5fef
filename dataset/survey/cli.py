"""`dataset survey`: build, invite, serve, report."""

from pathlib import Path
from typing import Annotated

import typer

from common.console.cli import EXIT_INCOMPLETE, fail, load_settings, output_uri
from common.errors import FleetError
from dataset.errors import BadRunError
from dataset.survey.layout import ANSWERS, REPORT, read_survey
from dataset.survey.recipe import SIDE, Recipe

app = typer.Typer(
    help="Ask people: human or machine, and how good?\n\nThis repeats the human evaluation of LAION-COCO.",
    no_args_is_help=True,
)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the survey.")]


@app.command("build")
def build_command(
    *,
    run: Annotated[
        str | None, typer.Option(metavar="URI", help="Run to draw from.", show_default="FLEET_OUTPUT")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="URI", help="Data set to draw from in place of a run; also hf://datasets/..."),
    ] = None,
    human: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Human captions: COCO's .json, or a .parquet or .csv."),
    ] = None,
    image_folder: Annotated[
        Path | None,
        typer.Option(
            "--images",
            "--pictures",  # its name in 0.1
            metavar="DIR",
            help="Folder of images that FILE names by file.",
            show_default="FILE's",
        ),
    ] = None,
    machine_only: Annotated[
        bool, typer.Option("--machine-only", help="No human captions: the original's second round.")
    ] = False,
    samples: Annotated[int, typer.Option("--n", min=1, max=10_000, help="Samples in all.")] = 200,
    per_rater: Annotated[
        int | None, typer.Option(min=1, help="Samples that each rater sees.", show_default="all")
    ] = None,
    checks: Annotated[int, typer.Option(min=0, max=50, help="Attention checks beside the samples.")] = 0,
    seed: Annotated[int, typer.Option(help="Another seed draws other samples.")] = 0,
    side: Annotated[
        int, typer.Option(min=64, max=4096, help="Pixels of a picture's longer side, at most.")
    ] = SIDE,
    title: Annotated[str, typer.Option(help="Title that raters see.")] = Recipe.title,
    contact: Annotated[str, typer.Option(help="Whom raters may ask.")] = Recipe.contact,
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder to make.")] = Path("survey"),
) -> None:
    """Draw samples, fetch their pictures, make them blind.

    Half are human and half a run's, unless --machine-only takes them all from the run.

    Example: dataset survey build --run s3://bucket/run --human captions_val2017.json --n 200 --output survey
    """
    from dataset.survey.build import build

    if machine_only == (human is not None):
        raise FleetError("give --human FILE for a survey of both, or --machine-only")
    settings = load_settings()
    recipe = Recipe(
        run=None if data and not run else output_uri(run, settings),
        data=data,
        human=human,
        samples=samples,
        image_folder=image_folder,
        seed=seed,
        side=side,
        title=title,
        contact=contact,
        per_rater=per_rater,
        checks=checks,
    )
    try:
        survey = build(recipe, output, settings.s3)
    except BadRunError as error:
        fail(error)
        raise typer.Exit(EXIT_INCOMPLETE) from error
    with_checks = f" and {checks} attention checks" if checks else ""
    typer.echo(f"{len(survey.samples) - checks} samples{with_checks}: {output.absolute()}")


@app.command("invite")
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


@app.command("serve")
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


@app.command("erase")
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


@app.command("report")
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

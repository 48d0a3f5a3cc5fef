"""`dataset survey build`."""

from pathlib import Path
from typing import Annotated

import typer

from common.console.cli import EXIT_INCOMPLETE, fail, load_settings, output_uri
from common.errors import FleetError
from dataset.errors import BadRunError
from dataset.survey.recipe import SIDE, Recipe


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

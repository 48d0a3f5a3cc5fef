"""Commands that look at a data set or a run."""

from pathlib import Path
from typing import Annotated

import typer

from common.console.cli import load_settings, output_uri
from dataset.cli.messages import bad_runs
from dataset.cli.options import AnyData, OneRun, Output


def stats_command(
    output: Output = None,
    data: AnyData = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print counts and histograms of a data set or a run."""
    from dataset.stats import read_stats

    settings = load_settings()
    with bad_runs():
        stats = read_stats(data or output_uri(output, settings), settings.s3)
    typer.echo(stats.to_json() if as_json else stats.text())


def gallery_command(
    *,
    run: OneRun = None,
    data: AnyData = None,
    page: Annotated[Path, typer.Option(metavar="FILE", help="The page to write.")] = Path("gallery.html"),
    rows: Annotated[int, typer.Option(min=1, max=2000, help="Captioned pictures to show.")] = 60,
    seed: Annotated[int, typer.Option(help="Another seed draws other rows.")] = 0,
    title: Annotated[str, typer.Option(help="Title of the page.")] = "Random samples",
    with_failures: Annotated[
        bool, typer.Option("--with-failures", help="Show failed rows too, with their reasons.")
    ] = False,
) -> None:
    """Write one HTML page of random rows, never cherry-picked.

    Example: dataset gallery --run s3://bucket/run --rows 100 --page gallery.html
    """
    from dataset.gallery.gallery import make_gallery
    from dataset.pages.page_file import write_file
    from dataset.rows.row_source import open_rows

    settings = load_settings()
    with bad_runs():
        place = None if data and not run else output_uri(run, settings)
        source = open_rows(place, data, settings.s3)
        gallery = make_gallery(source, rows, seed, title, settings.s3, with_failures=with_failures)
    write_file(page, gallery.page)
    typer.echo(f"{gallery.text}: {page.absolute()}")


def score_command(
    *,
    run: OneRun = None,
    data: AnyData = None,
    rows: Annotated[int, typer.Option(min=1, max=1_000_000, help="Captions to draw.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Another seed draws other rows.")] = 0,
    references: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Human captions by address: COCO's .json, a .parquet or .csv."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    page: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Also write a page.")] = None,
) -> None:
    """Measure captions on a random sample, with intervals.

    Lengths, distinct words, repeats, similarities, the worth of more candidates; BLEU and CIDEr beside
    human captions.

    Example: dataset score --data hf://datasets/our-lab/captions --rows 5000 --html score.html
    """
    from dataset.pages.page_file import write_file
    from dataset.rows.row_source import open_rows
    from dataset.score.page import render_score
    from dataset.score.score import score

    settings = load_settings()
    place = None if data and not run else output_uri(run, settings)
    with bad_runs():
        found = score(open_rows(place, data, settings.s3), data or str(place), rows, seed, references)
    if page is not None:
        write_file(page, render_score(found))
    typer.echo(found.to_json() if as_json else found.text())

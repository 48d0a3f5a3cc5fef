"""The console script `dataset`."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import structlog
import typer

from common.console.cli import EXIT_INCOMPLETE, Version, fail, load_settings, output_uri, run_command
from common.deny.deny_list import DenyList, read_deny_list
from common.errors import FleetError
from common.store import absolute_uri, open_store
from dataset.card.card import render_card
from dataset.card.card_file import read_texts
from dataset.card.licences import require_licence
from dataset.errors import BadRunError
from dataset.files.data_file import read_tally
from dataset.files.folder import require_merged
from dataset.files.keys import CARD_KEY, DATA
from dataset.gallery.gallery import make_gallery
from dataset.merge.flow import Options, merge
from dataset.merge.outcomes import Filters
from dataset.merge.thin import Dedupe, Thinning
from dataset.pages.page_file import write_file
from dataset.publish.publish import plan_upload, publish
from dataset.rows.row_source import open_rows
from dataset.score.page import render_score
from dataset.score.score import score
from dataset.stats import read_stats
from dataset.survey.cli import app as survey_app
from dataset.withdraw import withdraw

app = typer.Typer(
    help="From the shards of a run to what people get.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="Settings are environment variables with the prefix FLEET_; docs/settings.md lists them all.",
)

app.add_typer(survey_app, name="survey")

logger = structlog.get_logger(__name__)

UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9}
LARGEST_PART = 4 * 10**9
LARGEST_ON_S3 = 3 * 10**9
"""Bytes: one PutObject carries 5 GB, and a file may come out larger than was asked."""
LINES_TOLD = 20

Output = Annotated[
    str | None,
    typer.Option(
        metavar="URI", help="Folder or s3://bucket/prefix of the data set.", show_default="FLEET_OUTPUT"
    ),
]
DataSet = Annotated[
    str | None,
    typer.Option(metavar="URI", help="Merged data set: folder or s3://.", show_default="FLEET_OUTPUT"),
]
AnyData = Annotated[
    str | None,
    typer.Option(
        metavar="URI", help="Data set in place of a run: folder, s3:// or hf://datasets/OWNER/NAME."
    ),
]
OneRun = Annotated[str | None, typer.Option(metavar="URI", help="Run to show.", show_default="FLEET_OUTPUT")]
Runs = Annotated[
    list[str] | None,
    typer.Option(
        "--run",
        metavar="URI",
        help="Run to merge; repeat it, the earliest first.",
        show_default="FLEET_OUTPUT",
    ),
]


class Compression(StrEnum):
    """How pages are packed."""

    ZSTD = "zstd"
    SNAPPY = "snappy"


def main() -> None:
    """Entry point of the console script."""
    run_command(app)


@contextmanager
def _bad_runs() -> Iterator[None]:
    """A run that is incomplete or bad is exit code 1; wrong use is 2."""
    try:
        yield
    except BadRunError as error:
        fail(error)
        raise typer.Exit(EXIT_INCOMPLETE) from error


def _bytes(text: str) -> int:
    match = re.fullmatch(r"(\d+) ?(KB|MB|GB)", text.strip(), re.IGNORECASE)
    size = int(match[1]) * UNITS[match[2].upper()] if match else 0
    if not 0 < size <= LARGEST_PART:
        raise typer.BadParameter(f"{text!r} is no size up to 4GB; write it as 500MB")
    return size


def _require_part_size(size: int, output: str) -> None:
    if output.startswith("s3://") and size > LARGEST_ON_S3:
        raise FleetError(f"--part-size: a file on S3 goes up in one piece, of 3GB at most; {output} is on S3")


def _tell_unmatched(deny_list: DenyList | None) -> None:
    """Name the entries, as far as the rows were read just now."""
    if deny_list is not None and deny_list.matched != set() and deny_list.unmatched:
        lines = [entry.line for entry in deny_list.unmatched[:LINES_TOLD]]
        logger.warning("entries of the deny list matched no row", first_lines=lines)


@app.callback()
def _root(
    version: Version = False,
) -> None:
    """Nothing of its own: options that every command shares."""


@app.command("merge")
def merge_command(
    *,
    run: Runs = None,
    output: Output = None,
    part_size: Annotated[str, typer.Option(help="Size of one file, near enough.")] = "500MB",
    keep_columns: Annotated[
        bool, typer.Option("--keep-columns", help="Also the fleet's own columns.")
    ] = False,
    min_similarity: Annotated[
        float | None, typer.Option(help="Least similarity of a row's best caption (ViT-L/14 cosine).")
    ] = None,
    deny_list: Annotated[
        Path | None,
        typer.Option(help="Text file of hosts, URLs, patterns and image SHA-256s to leave out."),
    ] = None,
    max_punsafe: Annotated[float | None, typer.Option(help="Highest punsafe.")] = None,
    max_pwatermark: Annotated[float | None, typer.Option(help="Highest pwatermark.")] = None,
    min_width: Annotated[int | None, typer.Option(min=1, help="Smallest WIDTH in pixels.")] = None,
    min_height: Annotated[int | None, typer.Option(min=1, help="Smallest HEIGHT in pixels.")] = None,
    dedupe: Annotated[Dedupe, typer.Option(help="The key of duplicates.")] = Dedupe.ROW,
    max_rows_per_host: Annotated[
        int | None, typer.Option(min=1, help="Rows of one host, drawn by --seed.")
    ] = None,
    sample: Annotated[int | None, typer.Option(min=1, help="Rows in all, drawn by --seed.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed draws other rows.")] = 0,
    allow_incomplete: Annotated[
        bool, typer.Option("--allow-incomplete", help="Merge what is there of an unfinished run.")
    ] = False,
    compression: Annotated[Compression, typer.Option(help="Of the files' pages.")] = Compression.ZSTD,
) -> None:
    """Merge runs into large parquet files with a dataset card.

    Each row is in them once. Runs or parts that are added later add files to what is there.

    Example: dataset merge --run s3://bucket/run --run s3://bucket/retry --output s3://bucket/dataset
    """
    settings = load_settings()
    options = Options(
        part_size=_bytes(part_size),
        keep_columns=keep_columns,
        compression=compression,
        allow_incomplete=allow_incomplete,
        filters=Filters(
            min_similarity=min_similarity,
            deny_list=read_deny_list(deny_list) if deny_list else None,
            max_punsafe=max_punsafe,
            max_pwatermark=max_pwatermark,
            min_width=min_width,
            min_height=min_height,
        ),
        thinning=Thinning(dedupe, max_rows_per_host, sample, seed),
    )
    target = output_uri(output, settings)
    _require_part_size(options.part_size, target)
    with _bad_runs():
        merged = merge(run or [output_uri(None, settings)], target, options, settings.s3)
    typer.echo(merged.counts.sentence())
    typer.echo(f"parquet files: {len(merged.keys)}, in {absolute_uri(target)}/{DATA}")
    if merged.unmatched_entries:
        typer.echo(f"deny list: {merged.unmatched_entries:,} entries matched no row")
    _tell_unmatched(options.filters.deny_list)


@app.command("card")
def card_command(
    *,
    output: Output = None,
    name: Annotated[str | None, typer.Option(help="Title of the data set.")] = None,
    license_: Annotated[
        str | None, typer.Option("--license", help="Of the captions, as the Hub spells it, e.g. cc-by-4.0.")
    ] = None,
    contact: Annotated[str | None, typer.Option(help="Where to ask for the removal of rows.")] = None,
    language: Annotated[str | None, typer.Option(help="Of the captions, e.g. en.")] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Put it into the data set, in place of the one there.")
    ] = False,
) -> None:
    """Print the card of a merged data set, or write it there.

    `dataset merge` writes one as README.md already; what is not given here is as that one says.

    Example: dataset card --name "Our captions" --license cc-by-4.0 --contact data@example.org --write
    """
    settings = load_settings()
    store = open_store(absolute_uri(output_uri(output, settings)), settings.s3)
    merged = require_merged(store)
    given = {"name": name, "license": license_ and require_licence(license_)}
    given |= {"contact": contact, "language": language}
    texts = replace(
        read_texts(store.read(CARD_KEY)), **{key: text for key, text in given.items() if text is not None}
    )
    card = render_card(merged, read_tally(store, merged.files, settings.s3), texts)
    if write:
        store.replace(CARD_KEY, card.encode())
    else:
        sys.stdout.write(card)


@app.command("stats")
def stats_command(
    output: Output = None,
    data: AnyData = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print counts and histograms of a data set or a run."""
    settings = load_settings()
    with _bad_runs():
        stats = read_stats(data or output_uri(output, settings), settings.s3)
    typer.echo(stats.to_json() if as_json else stats.text())


@app.command("gallery")
def gallery_command(
    *,
    run: OneRun = None,
    data: AnyData = None,
    page: Annotated[Path, typer.Option(metavar="FILE", help="The page to write.")] = Path("gallery.html"),
    rows: Annotated[int, typer.Option(min=1, max=2000, help="Captioned pictures to show.")] = 60,
    seed: Annotated[int, typer.Option(help="Another seed draws other rows.")] = 0,
    title: Annotated[str, typer.Option(help="Title of the page.")] = "Random samples",
    with_failures: Annotated[
        bool, typer.Option("--with-failures", help="Show also what failed on the way, and why.")
    ] = False,
) -> None:
    """Write one HTML page of random rows, never cherry-picked.

    Example: dataset gallery --run s3://bucket/run --rows 100 --page gallery.html
    """
    settings = load_settings()
    with _bad_runs():
        place = None if data and not run else output_uri(run, settings)
        source = open_rows(place, data, settings.s3)
        gallery = make_gallery(source, rows, seed, title, settings.s3, with_failures=with_failures)
    write_file(page, gallery.page)
    typer.echo(f"{gallery.text}: {page.absolute()}")


@app.command("withdraw")
def withdraw_command(
    *,
    list_: Annotated[
        Path,
        typer.Option("--list", metavar="FILE", help="Hosts, URLs, patterns and SHA-256s, one a line."),
    ],
    data: DataSet = None,
    output: Annotated[
        str | None,
        typer.Option(metavar="URI", help="Where the new version goes, whole.", show_default="in place"),
    ] = None,
) -> None:
    """Make a version without the rows that a list names.

    Only files that lose rows are written anew. Publish the result to have it on the Hub.

    Example: dataset withdraw --data s3://bucket/captions --list requests.txt
    """
    settings = load_settings()
    deny_list = read_deny_list(list_)
    store = open_store(absolute_uri(output_uri(data, settings)), settings.s3)
    target = open_store(absolute_uri(output), settings.s3) if output else None
    if target is not None and target.uri == store.uri:
        target = None
    done = withdraw(store, deny_list, target, settings.s3)
    typer.echo(done.sentence())
    if deny_list.unmatched:
        typer.echo(f"list: {len(deny_list.unmatched):,} of {len(deny_list.entries):,} entries matched no row")
    _tell_unmatched(deny_list)


@app.command("score")
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
    settings = load_settings()
    place = None if data and not run else output_uri(run, settings)
    with _bad_runs():
        found = score(open_rows(place, data, settings.s3), data or str(place), rows, seed, references)
    if page is not None:
        write_file(page, render_score(found))
    typer.echo(found.to_json() if as_json else found.text())


@app.command("publish")
def publish_command(
    *,
    repo: Annotated[str, typer.Option(metavar="OWNER/NAME", help="Data set on the Hugging Face Hub.")],
    output: Output = None,
    public: Annotated[bool, typer.Option("--public/--private", help="Whether everybody may see it.")] = False,
    contact: Annotated[
        str | None, typer.Option(help="Where to ask for the removal of rows; a public data set needs one.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would go.")] = False,
) -> None:
    """Upload a merged data set to the Hugging Face Hub.

    The files of other versions are deleted in the same commit. After an interruption the same command sends
    the rest. Log in with `hf auth login`, or set HF_TOKEN.

    Example: dataset publish --repo our-lab/captions --public --contact data@example.org
    """
    settings = load_settings()
    store = open_store(absolute_uri(output_uri(output, settings)), settings.s3)
    upload = plan_upload(store, settings.s3)
    if dry_run:
        for entry in upload.files:
            typer.echo(f"{entry.size:>16,}  {entry.key}")
        typer.echo(f"{upload.size:>16,}  bytes in {len(upload.files)} files would go to {repo}")
        return
    typer.echo(publish(store, upload, repo, settings.s3, public=public, contact=contact))

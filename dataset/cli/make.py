"""Commands that make a data set, change it and take it to the Hub."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from common.console.cli import load_settings, output_uri
from dataset.cli.messages import bad_runs, tell_unmatched
from dataset.cli.options import DataSet, Output, Runs, parse_size, require_part_size
from dataset.merge.thinning import Dedupe, Thinning


class Compression(StrEnum):
    """How pages are packed."""

    ZSTD = "zstd"
    SNAPPY = "snappy"


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
        bool, typer.Option("--allow-incomplete", help="Merge the finished shards of an unfinished run.")
    ] = False,
    compression: Annotated[Compression, typer.Option(help="Of the files' pages.")] = Compression.ZSTD,
) -> None:
    """Merge runs into large parquet files with a dataset card.

    Each row is in them once. Runs or parts that are added later add files to what is there.

    Example: dataset merge --run s3://bucket/run --run s3://bucket/retry --output s3://bucket/dataset
    """
    from common.deny.deny_list import read_deny_list
    from common.store import absolute_uri
    from dataset.files.keys import DATA
    from dataset.merge.flow import Options, merge
    from dataset.merge.outcomes import Filters

    settings = load_settings()
    options = Options(
        part_size=parse_size(part_size),
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
    require_part_size(options.part_size, target)
    with bad_runs():
        merged = merge(run or [output_uri(None, settings)], target, options, settings.s3)
    typer.echo(merged.counts.sentence())
    typer.echo(f"parquet files: {len(merged.keys)}, in {absolute_uri(target)}/{DATA}")
    if merged.unmatched_entries:
        typer.echo(f"deny list: {merged.unmatched_entries:,} entries matched no row")
    tell_unmatched(options.filters.deny_list)


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
    from common.deny.deny_list import read_deny_list
    from common.store import absolute_uri, open_store
    from dataset.withdraw.withdraw import withdraw

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
    tell_unmatched(deny_list)


def publish_command(
    *,
    repo: Annotated[str, typer.Option(metavar="OWNER/NAME", help="Data set on the Hugging Face Hub.")],
    output: Output = None,
    public: Annotated[bool, typer.Option("--public/--private", help="Whether everybody may see it.")] = False,
    contact: Annotated[
        str | None, typer.Option(help="Where to ask for the removal of rows; a public data set needs one.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list the files that would go.")] = False,
) -> None:
    """Upload a merged data set to the Hugging Face Hub.

    The files of other versions are deleted in the same commit. After an interruption the same command sends
    the rest. Log in with `hf auth login`, or set HF_TOKEN.

    Example: dataset publish --repo our-lab/captions --public --contact data@example.org
    """
    from common.store import absolute_uri, open_store
    from dataset.publish.publish import plan_upload, publish

    settings = load_settings()
    store = open_store(absolute_uri(output_uri(output, settings)), settings.s3)
    upload = plan_upload(store, settings.s3)
    if dry_run:
        for entry in upload.files:
            typer.echo(f"{entry.size:>16,}  {entry.key}")
        typer.echo(f"{upload.size:>16,}  bytes in {len(upload.files)} files would go to {repo}")
        return
    typer.echo(publish(store, upload, repo, settings.s3, public=public, contact=contact))

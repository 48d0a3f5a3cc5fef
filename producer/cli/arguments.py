"""Arguments and options that several commands share."""

from typing import Annotated, Literal

import typer

from common.run.batch import MAX_BATCH_ROWS

PARTS_HELP = (
    "Links: parquet with a URL column and, if possible, TEXT; csv, tsv, jsonl and text files, also .gz and"
    " .zst. Images: folders of them, tars in WebDataset's layout, parquet that holds them. Files, folders,"
    " trees and quoted globs; here, at s3://bucket/key or hf://datasets/owner/name/path."
)
Parts = Annotated[list[str], typer.Argument(metavar="PART...", help=PARTS_HELP, show_default=False)]
Output = Annotated[
    str | None,
    typer.Option(metavar="URI", help="Folder or s3://bucket/prefix of the run.", show_default="FLEET_OUTPUT"),
]
BatchRows = Annotated[
    int | None,
    typer.Option(
        min=1, max=MAX_BATCH_ROWS, help="Rows of one batch, fixed for the run.", show_default="10000"
    ),
]
LocalBatchRows = Annotated[
    int | None,
    typer.Option(
        min=1, help="Rows of one batch, fixed for the run.", show_default="10000; without a GPU fewer"
    ),
]
LimitRows = Annotated[
    int | None, typer.Option(min=1, help="Take only the first rows, counted over all parts.")
]
SkipBadLines = Annotated[
    bool, typer.Option("--skip-bad-lines", help="Leave out and count the lines of a list that are damaged.")
]
As = Annotated[
    Literal["links"] | None,
    typer.Option("--as", help="Download the links of files that also hold images.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

"""Options that several commands share."""

import re
from typing import Annotated

import typer

from common.errors import FleetError

UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9}
LARGEST_PART = 4 * 10**9
LARGEST_ON_S3 = 3 * 10**9
"""Bytes: one PutObject carries 5 GB, and a file may come out larger than was asked."""

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


def parse_size(text: str) -> int:
    """Bytes of a size as `500MB`.

    Raises:
        typer.BadParameter: it is none, or too large.
    """
    match = re.fullmatch(r"(\d+) ?(KB|MB|GB)", text.strip(), re.IGNORECASE)
    size = int(match[1]) * UNITS[match[2].upper()] if match else 0
    if not 0 < size <= LARGEST_PART:
        raise typer.BadParameter(f"{text!r} is no size up to 4GB; write it as 500MB")
    return size


def require_part_size(size: int, output: str) -> None:
    """Raise `FleetError` if a file of so many bytes is too large for the store of `output`."""
    if output.startswith("s3://") and size > LARGEST_ON_S3:
        raise FleetError(f"--part-size: a file on S3 goes up in one piece, of 3GB at most; {output} is on S3")

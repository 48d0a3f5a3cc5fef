"""`make demo`: the whole way from two part files to captions, on this machine alone."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import pyarrow.parquet as pq
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.demo.gallery import write_gallery
from tests.demo.parts import Link, links, write_parts
from tests.demo.site import draw_images, serve

ENVIRONMENT = {
    "FLEET_MODELS": "toy",
    "FLEET_FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
    "FLEET_FETCH_CONTACT": "https://example.org/caption-fleet-demo",
    "FLEET_FETCH_TIMEOUT": "4",
    "FLEET_FETCH_PER_HOST": "64",
}
SHOWN = 16


def main(
    output: Annotated[Path, typer.Option(help="Where the run is written; emptied first.")] = Path(
        "output/demo"
    ),
    images: Annotated[int, typer.Option(min=40, help="Pictures on the demo's web.")] = 300,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
) -> None:
    """Serve toy pictures on loopback, run `producer local` over them, show what came out."""
    shutil.rmtree(output, ignore_errors=True)
    drawn = draw_images(images)
    with serve(drawn) as site:
        rows = links(site, drawn)
        parts = write_parts(output / "input", rows)
        code = _produce(parts, output, workers)
    if code:
        raise typer.Exit(code)
    page = output.parent / "gallery.html"
    write_gallery(output, page, rows)
    _show(output, {row.url: row for row in rows})
    print(f"Gallery: {page}   (open it in a browser)")


def _produce(parts: Sequence[Path], run: Path, workers: int) -> int:
    options = ["--output", str(run), "--workers", str(workers), "--batch-rows", "40"]
    arguments = ["local", *map(str, parts), *options]
    print(f"$ producer {' '.join(arguments)}", flush=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLEET_")}
    command = [str(Path(sys.executable).parent / "producer"), *arguments]
    return subprocess.run(command, env=environment | ENVIRONMENT, check=False).returncode


def _show(run: Path, by_url: Mapping[str, Link]) -> None:
    captioned = [row for row in pq.read_table(run / "shards").to_pylist() if row["status"] == "ok"]
    console = Console()
    console.print(_captions(captioned[:: max(1, len(captioned) // SHOWN)], by_url))
    right = sum(row["top_caption"] == _truth(row, by_url) for row in captioned)
    console.print(f"{right} of {len(captioned)} top captions are exactly true.")
    print(f"Shards: {run / 'shards'}   (read them with pandas, pyarrow, duckdb, ...)")


def _captions(rows: Sequence[Mapping[str, Any]], by_url: Mapping[str, Link]) -> Table:
    table = Table(title="What is true, what the web said, what the fleet wrote")
    for name in ("true sentence", "original caption", "top caption", ""):
        table.add_column(name, overflow="fold")
    for row in rows:
        truth = _truth(row, by_url)
        mark = "[green]true[/]" if row["top_caption"] == truth else "[red]wrong[/]"
        table.add_row(truth, Text(row["TEXT"]), Text(row["top_caption"]), mark)
    return table


def _truth(row: Mapping[str, Any], by_url: Mapping[str, Link]) -> str:
    image = by_url[row["URL"]].image
    return image.truth if image else ""


if __name__ == "__main__":
    typer.run(main)

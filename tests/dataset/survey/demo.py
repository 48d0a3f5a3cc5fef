"""`make survey-demo`: the demo's captions against the toy world's true sentences, as a survey."""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tests.demo.__main__ import ENVIRONMENT
from tests.demo.parts import links, write_parts
from tests.demo.site import DrawnImage, Site, draw_images, serve

BIN = Path(sys.executable).parent


def main(
    output: Annotated[Path, typer.Option(help="Emptied first.")] = Path("output/survey-demo"),
    images: Annotated[int, typer.Option(min=60, help="Pictures on the demo's web.")] = 120,
    samples: Annotated[int, typer.Option("--n", min=2, help="Samples of the survey.")] = 60,
    port: Annotated[int, typer.Option(help="Where the survey is served; 0 serves none.")] = 8000,
) -> None:
    """Caption toy pictures, draw a survey, invite three raters, serve."""
    shutil.rmtree(output, ignore_errors=True)
    drawn = draw_images(images)
    with serve(drawn) as site:
        parts = write_parts(output / "input", links(site, drawn))
        human = write_truths(output / "input" / "human.csv", site, drawn)
        run = str(output / "run")
        call("producer", "local", *map(str, parts), "--output", run, "--batch-rows", "40")
        options = ("--run", run, "--human", str(human), "--n", str(samples))
        call("dataset", "survey", "build", *options, "--output", str(output / "survey"))
    if port:
        address = f"http://127.0.0.1:{port}"
        call("dataset", "survey", "invite", str(output / "survey"), "--count", "3", "--url", address)
        print(f"Open one of these links. Then: dataset survey report {output / 'survey'}", flush=True)
        call("dataset", "survey", "serve", str(output / "survey"), "--port", str(port))


def write_truths(file: Path, site: Site, drawn: Sequence[DrawnImage]) -> Path:
    """What is true of every picture, written as people write: a capital first, a full stop last."""
    with file.open("w", newline="") as target:
        rows = ((site.url + image.path, f"{image.truth.capitalize()}.") for image in drawn)
        csv.writer(target).writerows([("image", "caption"), *rows])
    return file


def call(command: str, *arguments: str) -> None:
    """Run one of the console scripts as a person would."""
    print(f"$ {command} {' '.join(arguments)}", flush=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLEET_")}
    code = subprocess.run(
        [str(BIN / command), *arguments], env=environment | ENVIRONMENT, check=False
    ).returncode
    if code:
        raise typer.Exit(code)


if __name__ == "__main__":
    try:
        typer.run(main)
    except KeyboardInterrupt:
        sys.exit(130)

"""Pictures of strangers made harmless: `python -m workers.thumbnails --output DIR` fetches and re-encodes.

One JSON object a line on standard input, `{"id": ..., "url": ...}` or `{"id": ..., "path": ...}`; one a line
on standard output, `{"id", "status", "error"}`, in any order. A picture whose status is `ok` lies in
`DIR/<id>.jpg`: RGB, turned upright, no larger than asked, all written alike and without metadata.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from common.console.cli import fail, load_settings
from common.errors import FleetError
from common.run.schema import Status
from common.settings import FetchSettings
from workers.decode import DecodeError, decode
from workers.fetch import Fetched, Fetcher

AT_ONCE = 16
"""Pictures in work: each may be `FLEET_FETCH_MAX_PIXELS` large once decoded, so few."""
QUALITY = 88


class Wanted(BaseModel):
    """One line of the input: where a picture is, and what to call it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    url: str | None = None
    path: Path | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.url is None) == (self.path is None):
            raise ValueError("a picture has either a url or a path")
        return self


@dataclass(frozen=True, slots=True)
class Pictures:
    """Where pictures go, and how.

    Args:
        fetcher: open.
        settings: how much a picture may hold.
        folder: of the JPEG files.
        side: pixels of the longer side, at most.
    """

    fetcher: Fetcher
    settings: FetchSettings
    folder: Path
    side: int

    async def take(self, wanted: Wanted) -> tuple[Status, str | None]:
        """Status and detail of one picture, which is written if the status is ok."""
        if wanted.path is not None:
            found = await asyncio.to_thread(self._read, wanted.path)
        else:
            found = await self.fetcher.fetch(wanted.url or "")
        if found.body is None:
            return found.status, found.error
        return await asyncio.to_thread(self._write, wanted.id, found.body)

    def _read(self, path: Path) -> Fetched:
        try:
            with path.open("rb") as file:
                body = file.read(self.settings.max_bytes + 1)
        except OSError as error:
            return Fetched(Status.INVALID_URL, error.strerror or type(error).__name__)
        if len(body) > self.settings.max_bytes:
            return Fetched(Status.TOO_LARGE, f"more than {self.settings.max_bytes} bytes")
        return Fetched(Status.OK, body=body)

    def _write(self, name: str, body: bytes) -> tuple[Status, str | None]:
        try:
            pixels = decode(body, max_pixels=self.settings.max_pixels)
        except DecodeError as error:
            return error.status, error.detail
        picture = Image.fromarray(pixels)
        picture.thumbnail((self.side, self.side), Image.Resampling.LANCZOS)
        picture.save(self.folder / f"{name}.jpg", "JPEG", quality=QUALITY)
        return Status.OK, None


async def run(wanted: Iterable[Wanted], folder: Path, side: int, settings: FetchSettings) -> None:
    """Take every picture that is wanted, `AT_ONCE` at a time; one line of standard output each.

    Raises:
        OSError: the folder cannot be written.
    """
    rest = iter(wanted)
    async with Fetcher(settings) as fetcher:
        pictures = Pictures(fetcher, settings, folder, side)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(_take_some(rest, pictures))
        except* OSError as errors:
            raise errors.exceptions[0] from None


async def _take_some(rest: Iterator[Wanted], pictures: Pictures) -> None:
    for one in rest:
        status, error = await pictures.take(one)
        print(json.dumps({"id": one.id, "status": status, "error": error}), flush=True)  # noqa: T201 - the answer


def read_lines(lines: Iterable[str]) -> Iterator[Wanted]:
    """What the lines want.

    Raises:
        FleetError: a line is none, or its id would be no safe file name.
    """
    for line in lines:
        try:
            yield Wanted.model_validate_json(line)
        except ValidationError as error:
            raise FleetError(f"standard input: {error.errors()[0]['msg']}, in {line[:80]!r}") from error


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m workers.thumbnails", description=__doc__)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder of the pictures")
    parser.add_argument("--side", type=int, default=1024, help="pixels of the longer side, at most")
    arguments = parser.parse_args()
    try:
        wanted = list(read_lines(sys.stdin))
        asyncio.run(run(wanted, arguments.output, arguments.side, load_settings().fetch))
    except FleetError as error:
        return fail(error)
    except OSError as error:
        return fail(FleetError(f"{arguments.output}: {error.strerror or error}; can it be written?"))
    return 0


if __name__ == "__main__":
    sys.exit(main())

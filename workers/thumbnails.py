"""Untrusted images as safe thumbnails: `python -m workers.thumbnails --output DIR` fetches and re-encodes.

Standard input has one JSON object per line, `{"id": ..., "url": ...}` or `{"id": ..., "path": ...}`; standard
output has one per line, `{"id", "status", "error", "sha256", "cells"}`, in any order. The digest is of the
bytes that came; the cells are the mean colours of 8 x 8 parts of the image, as hexadecimal digits. The
thumbnail of an image with status `ok` is `DIR/<id>.jpg`: RGB, upright, bounded in size, encoded alike and
without metadata.
"""

import argparse
import asyncio
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from common.console.cli import fail, load_settings
from common.contact import require_contact
from common.errors import FleetError
from common.run.status import Status
from common.settings import FetchSettings, Settings
from common.signs import Honoured
from workers.decode.decoder import decode
from workers.decode.error import DecodeError
from workers.fetch import Fetched, Fetcher
from workers.fetch.shared import Shared
from workers.fetch.signs.image import find_image_sign

AT_ONCE = 16
"""Concurrent images; few, since each may have `FLEET_FETCH_MAX_PIXELS` once decoded."""
QUALITY = 88
CELLS = (8, 8)


class Request(BaseModel):
    """One line of the input: the name and the place of an image."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    url: str | None = None
    path: Path | None = None

    @model_validator(mode="after")
    def _require_one_place(self) -> Self:
        if (self.url is None) == (self.path is None):
            raise ValueError("an image has either a url or a path")
        return self


@dataclass(frozen=True, slots=True)
class Made:
    """The outcome of an image; None where it does not apply."""

    status: Status
    error: str | None = None
    sha256: str | None = None
    cells: str | None = None


@dataclass(frozen=True, slots=True)
class Thumbnailer:
    """Makes the thumbnails of one folder.

    Args:
        fetcher: open.
        settings: limits of an image.
        folder: of the JPEG files.
        side: most pixels of the longer side.
        honoured: signs in images of the web that refuse them.
    """

    fetcher: Fetcher
    settings: FetchSettings
    folder: Path
    side: int
    honoured: Honoured = field(default_factory=Honoured)

    async def make(self, request: Request) -> Made:
        """Fetch one image; writes its thumbnail if the status is ok."""
        if request.path is not None:
            found = await asyncio.to_thread(self._read, request.path)
        else:
            found = await self._fetch(request.url or "")
        if found.body is None:
            return Made(found.status, found.error)
        made = await asyncio.to_thread(self._write, request.id, found.body)
        return replace(made, sha256=hashlib.sha256(found.body).hexdigest())

    async def _fetch(self, url: str) -> Fetched:
        found = await self.fetcher.fetch(url)
        sign = None if found.body is None else find_image_sign(found.body, self.honoured)
        return found if sign is None else Fetched(Status.OPT_OUT, sign)

    def _read(self, path: Path) -> Fetched:
        try:
            with path.open("rb") as file:
                body = file.read(self.settings.max_bytes + 1)
        except OSError as error:
            return Fetched(Status.INVALID_URL, error.strerror or type(error).__name__)
        if len(body) > self.settings.max_bytes:
            return Fetched(Status.TOO_LARGE, f"more than {self.settings.max_bytes} bytes")
        return Fetched(Status.OK, body=body)

    def _write(self, name: str, body: bytes) -> Made:
        try:
            pixels = decode(body, max_pixels=self.settings.max_pixels)
        except DecodeError as error:
            return Made(error.status, error.detail)
        image = Image.fromarray(pixels)
        cells = image.resize(CELLS, Image.Resampling.BOX).tobytes().hex()
        image.thumbnail((self.side, self.side), Image.Resampling.LANCZOS)
        image.save(self.folder / f"{name}.jpg", "JPEG", quality=QUALITY)
        return Made(Status.OK, cells=cells)


async def make_thumbnails(requests: Sequence[Request], folder: Path, side: int, settings: Settings) -> None:
    """Make all thumbnails, `AT_ONCE` at a time; one line of standard output each.

    Raises:
        OSError: the folder cannot be written.
        ContactError: there are public addresses, and there is no contact.
    """
    if any(request.url is not None for request in requests):
        require_contact(settings.fetch)
    rest = iter(requests)
    async with Fetcher(settings.fetch, settings.manners, shared=_open_shared(settings)) as fetcher:
        thumbnailer = Thumbnailer(fetcher, settings.fetch, folder, side, settings.honoured)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(_work(rest, thumbnailer))
        except* (OSError, FleetError) as errors:
            raise errors.exceptions[0] from None


def _open_shared(settings: Settings) -> Shared | None:
    """The fleet's budgets of hosts, where the operator names its Redis; this may run far from it."""
    is_named = settings.manners.url is not None or "broker_url" in settings.model_fields_set
    if not is_named:
        return None
    from workers.manners import open_shared  # noqa: PLC0415 - loads redis

    return open_shared(settings)


async def _work(rest: Iterator[Request], thumbnailer: Thumbnailer) -> None:
    for request in rest:
        answer = {"id": request.id, **asdict(await thumbnailer.make(request))}
        print(json.dumps(answer), flush=True)  # noqa: T201 - the answer


def parse_requests(lines: Iterable[str]) -> Iterator[Request]:
    """One request per line.

    Raises:
        FleetError: a line is no request, or its id no safe file name.
    """
    for line in lines:
        try:
            yield Request.model_validate_json(line)
        except ValidationError as error:
            raise FleetError(f"standard input: {error.errors()[0]['msg']}, in {line[:80]!r}") from error


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m workers.thumbnails", description=__doc__)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder of the thumbnails")
    parser.add_argument("--side", type=int, default=1024, help="most pixels of the longer side")
    arguments = parser.parse_args()
    try:
        requests = list(parse_requests(sys.stdin))
        settings = load_settings()
        asyncio.run(make_thumbnails(requests, arguments.output, arguments.side, settings))
    except FleetError as error:
        return fail(error)
    except OSError as error:
        return fail(FleetError(f"{arguments.output}: {error.strerror or error}; can it be written?"))
    return 0


if __name__ == "__main__":
    sys.exit(main())

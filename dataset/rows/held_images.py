"""Images of rows that have no address: read again from the parts of their run."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from common.archive.part_images import read_rows
from common.errors import FleetError
from common.run.manifest import read_part
from common.settings import S3Settings
from common.store import Store
from dataset.rows.row_source import Row

MAX_BYTES = 20_000_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HeldImage:
    """The image of one row, in its part alone.

    Args:
        store: of the run.
        s3: where S3 is.
        part: id in the run.
        row: of the part.
    """

    store: Store
    s3: S3Settings
    part: str
    row: int

    def __str__(self) -> str:
        return f"{self.store.uri}, part {self.part}, row {self.row}"


def held_image(row: Row, store: Store, s3: S3Settings) -> HeldImage | None:
    """Where the image of a captioned row without URL lies; None where it has one, or its part is not told."""
    if not row["top_caption"] or row["URL"] or row["part"] is None:
        return None
    return HeldImage(store, s3, row["part"], row["row"])


def save_images(images: Mapping[str, HeldImage], folder: Path) -> dict[str, Path]:
    """Write images into files of a folder, each part read once.

    Args:
        images: of one run, by a name that is safe for a file.
        folder: must exist.

    Returns:
        The file of each name; images that are no longer there have none.
    """
    by_part: dict[str, dict[str, HeldImage]] = defaultdict(dict)
    for name, image in images.items():
        by_part[image.part][name] = image
    files: dict[str, Path] = {}
    for part, wanted in by_part.items():
        try:
            files |= _save_part(wanted, folder)
        except FleetError as error:
            log.warning("images of a part cannot be read", part=part, images=len(wanted), error=str(error))
    return files


def _save_part(wanted: Mapping[str, HeldImage], folder: Path) -> dict[str, Path]:
    """All images of one part."""
    names = {image.row: name for name, image in wanted.items()}
    first = next(iter(wanted.values()))
    part = read_part(first.store, first.part)
    files: dict[str, Path] = {}
    for held in read_rows(part, sorted(names), MAX_BYTES, first.s3) if part else ():
        if held.body is not None:
            file = folder / names[held.row]
            file.write_bytes(held.body)
            files[names[held.row]] = file
    return files

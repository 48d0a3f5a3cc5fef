"""Images of rows that have no address: read again from the parts of their run, as thumbnails."""

from collections import defaultdict
from collections.abc import Mapping
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


def is_held(row: Row) -> bool:
    """Whether the image of a captioned row lies in its part alone."""
    return bool(row["top_caption"]) and not row["URL"] and row["part"] is not None


def save_images(rows: Mapping[str, Row], store: Store, folder: Path, s3: S3Settings) -> dict[str, Path]:
    """Write the images of rows into files of a folder.

    Args:
        rows: for which `is_held`, by a name that is safe for a file.
        store: of their run.
        folder: must exist.
        s3: where S3 is.

    Returns:
        The file of each name; images that are no longer there have none.
    """
    by_part: dict[str, dict[int, str]] = defaultdict(dict)
    for name, row in rows.items():
        by_part[row["part"]][row["row"]] = name
    files: dict[str, Path] = {}
    for part, wanted in by_part.items():
        try:
            files |= _save_part(part, wanted, store, folder, s3)
        except FleetError as error:
            log.warning("images of a part cannot be read", part=part, images=len(wanted), error=str(error))
    return files


def _save_part(
    part_id: str, wanted: Mapping[int, str], store: Store, folder: Path, s3: S3Settings
) -> dict[str, Path]:
    part = read_part(store, part_id)
    files: dict[str, Path] = {}
    for held in read_rows(part, sorted(wanted), MAX_BYTES, s3) if part else ():
        if held.body is not None:
            file = folder / wanted[held.row]
            file.write_bytes(held.body)
            files[wanted[held.row]] = file
    return files

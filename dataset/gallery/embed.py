"""Thumbnails within the page, for images that are nowhere on the web."""

import base64
import tempfile
from collections.abc import Sequence
from pathlib import Path

from common.settings import S3Settings
from common.store import Store
from dataset.pages.thumbnails import OK, fetch_images
from dataset.rows.held_images import held_image, save_images
from dataset.rows.row_source import Row

SIDE = 384
"""Pixels of a thumbnail's longer side: 60 of them are a page of 2 MB."""


def embed_images(rows: Sequence[Row], store: Store, s3: S3Settings) -> dict[int, str]:
    """`data:` addresses of the images of rows without URL, by index; none for those that are gone or changed.

    Args:
        rows: of a run.
        store: of the run.
        s3: where S3 is.

    Raises:
        FleetError: the workers' packages, which decode, are not installed.
    """
    places = ((str(index), held_image(row, store, s3)) for index, row in enumerate(rows))
    wanted = {name: image for name, image in places if image is not None}
    if not wanted:
        return {}
    with tempfile.TemporaryDirectory() as place:
        bodies, thumbnails = Path(place, "in"), Path(place, "out")
        bodies.mkdir()
        thumbnails.mkdir()
        files = save_images(wanted, bodies)
        made = fetch_images(files, thumbnails, SIDE, lambda: None) if files else {}
        return {
            int(name): _data_address(thumbnails / f"{name}.jpg")
            for name, image in made.items()
            if image.status == OK and image.sha256 == rows[int(name)]["sha256"]
        }


def _data_address(file: Path) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(file.read_bytes()).decode()

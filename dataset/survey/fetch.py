"""Fetching the images of candidates: from the web, from files, or out of the file of captions."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa

from common.errors import FleetError
from dataset.pages.thumbnails import Fetched, fetch_images
from dataset.rows.embedded_image import EmbeddedImage
from dataset.survey.candidate import Candidate


def fetch_candidates(
    candidates: Mapping[str, Candidate], folder: Path, side: int, seen: Callable[[], None]
) -> dict[str, Fetched]:
    """As `fetch_images`, of candidates by name."""
    with tempfile.TemporaryDirectory() as bodies:
        places = {name: _extract(one.place, Path(bodies, name)) for name, one in candidates.items()}
        return fetch_images(places, folder, side, seen)


def _extract(place: str | Path | EmbeddedImage, path: Path) -> str | Path:
    if not isinstance(place, EmbeddedImage):
        return place
    try:
        path.write_bytes(place.read())
    except pa.ArrowException as error:
        raise FleetError(f"{place}: damaged ({error}); fetch the file again") from error
    return path

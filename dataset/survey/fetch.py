"""Fetching the images of candidates: from the web, from files, out of the file of captions, or from parts."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa

from common.errors import FleetError
from dataset.pages.thumbnails import Fetched, fetch_images
from dataset.rows.embedded_image import EmbeddedImage
from dataset.rows.held_images import HeldImage, save_images
from dataset.survey.candidate import Candidate, Place


def fetch_candidates(
    candidates: Mapping[str, Candidate], folder: Path, side: int, seen: Callable[[], None]
) -> dict[str, Fetched]:
    """As `fetch_images`, of candidates by name."""
    with tempfile.TemporaryDirectory() as bodies:
        held = {name: one.place for name, one in candidates.items() if isinstance(one.place, HeldImage)}
        save_images(held, Path(bodies))
        places = {name: _find(one.place, Path(bodies, name)) for name, one in candidates.items()}
        return fetch_images(places, folder, side, seen)


def _find(place: Place, path: Path) -> str | Path:
    """Where to fetch it from; the file `path` where the image is inside another one."""
    if isinstance(place, HeldImage):
        path.touch()  # a file that is no longer there is no image
        return path
    if not isinstance(place, EmbeddedImage):
        return place
    try:
        body = place.read()
    except (pa.ArrowException, OSError) as error:
        raise FleetError(f"{place}: damaged ({error}); fetch the file again") from error
    path.write_bytes(body)
    return path

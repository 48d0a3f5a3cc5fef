"""A picture with a caption that may become a sample."""

from dataclasses import dataclass
from pathlib import Path

from dataset.rows.embedded_image import EmbeddedImage
from dataset.rows.held_images import HeldImage
from dataset.survey.layout import Author

Place = str | Path | EmbeddedImage | HeldImage
"""A URL, a file that is allowed, an image inside the file of captions, or in a part of the run."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One that was drawn; whether its picture can be had is not known yet."""

    author: Author
    place: Place
    caption: str
    """As it was written."""
    sha256: str | None = None
    """Of the image that the caption was written for, in hexadecimal; None where it is not known."""

"""A picture with a caption that may become a sample."""

from dataclasses import dataclass
from pathlib import Path

from dataset.rows.embedded_image import EmbeddedImage
from dataset.survey.layout import Author


@dataclass(frozen=True, slots=True)
class Candidate:
    """One that was drawn; whether its picture can be had is not known yet."""

    author: Author
    place: str | Path | EmbeddedImage
    """A URL, a file that is allowed, or an image inside the file of captions."""
    caption: str
    """As it was written."""
    sha256: str | None = None
    """Of the image that the caption was written for, in hexadecimal; None where it is not known."""

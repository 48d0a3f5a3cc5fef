"""Human captions as candidates of a survey."""

import random
from pathlib import Path

from common.errors import FleetError
from dataset.rows.embedded_image import EmbeddedImage
from dataset.rows.human_captions import read_captions
from dataset.survey.candidate import Candidate
from dataset.survey.layout import Author


def human_candidates(file: Path, image_folder: Path | None, seed: int) -> list[Candidate]:
    """One caption of each picture, in the order in which the seed draws them.

    Args:
        file: `.json` as COCO's, `.parquet` or `.csv`.
        image_folder: of images that are named by file and lie in no column; None is the file's own.
        seed: of the draw.

    Raises:
        FleetError: the file cannot be read, holds no caption, or names a file outside `image_folder`.
    """
    captions_of: dict[str | EmbeddedImage, list[str]] = {}
    for image, caption in read_captions(file, local=image_folder is not None, embedded=True):
        captions_of.setdefault(image, []).append(caption)
    if not captions_of:
        raise FleetError(f"{file}: no human captions in it; it needs a picture and a caption a row")
    chances = random.Random(f"human {seed}")  # noqa: S311 - a sample to look at
    images = chances.sample(sorted(captions_of, key=str), len(captions_of))
    folder = (image_folder or file.parent).resolve()
    return [
        Candidate(Author.HUMAN, _place(image, folder), chances.choice(captions_of[image])) for image in images
    ]


def _place(image: str | EmbeddedImage, folder: Path) -> str | Path | EmbeddedImage:
    if isinstance(image, EmbeddedImage) or "://" in image:
        return image
    path = (folder / image).resolve()
    if not path.is_relative_to(folder):
        raise FleetError(f"{image!r}: an image outside {folder}; name its folder with --images")
    return path

"""The inputs of a survey."""

from dataclasses import dataclass
from pathlib import Path

SIDE = 640
"""Pixels: the longer side of COCO's pictures, so that size tells nothing of most others either."""


@dataclass(frozen=True)
class Recipe:
    """The inputs of a survey."""

    run: str | None
    """Where machine captions come from; None where `data` says."""
    human: Path | None
    """File of human captions; None makes a machine-only survey."""
    samples: int
    image_folder: Path | None = None
    """Folder of the human captions' pictures; None is the file's own."""
    seed: int = 0
    side: int = SIDE
    """Pixels of a picture's longer side, at most."""
    title: str = "Human or machine?"
    contact: str = ""
    data: str | None = None
    """Data set, in place of a run."""
    per_rater: int | None = None
    """Samples that each rater sees; None is all."""
    checks: int = 0
    """Attention checks beside the samples."""

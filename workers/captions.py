"""Types between flow and cascade, without heavy imports."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from common.errors import FleetError

Image = NDArray[np.uint8]  # [height, width, 3], RGB


@dataclass(frozen=True, slots=True)
class Captions:
    """Captions and scores of one image."""

    candidates: tuple[str, ...]  # distinct captions, best first by the ranker
    similarities: tuple[float, ...]  # the ranker's cosine of each candidate
    shortlist: tuple[str, ...]  # the ranker's best, sorted by the selector, best first
    shortlist_similarities: tuple[float, ...]  # the selector's cosine of each of them
    top: str  # the first of the shortlist
    repaired: str | None = None  # the top caption, rewritten
    fault: str | None = None  # why there is no caption; all else is empty then


def no_captions(fault: str) -> Captions:
    """Those of an image of which nothing usable was written."""
    return Captions((), (), (), (), "", fault=fault)


@dataclass(frozen=True, slots=True)
class ModelInputs:
    """One image at the sizes of the three models, each uint8 [side, side, 3]."""

    captioner: Image
    ranker: Image
    selector: Image


class Captioning(Protocol):
    """Images in, captions with scores out: `workers.cascade.Cascade` or a stand-in."""

    dtype: str  # of the captioner's weights, and of all others that `dtypes` does not name
    dtypes: Mapping[str, str]  # by role

    def prepare(self, image: Image) -> ModelInputs:
        """The CPU work of one image; may run in any thread."""

    def announce(self, inputs: Sequence[ModelInputs]) -> AbstractContextManager[None]:
        """Within, `caption` of this very sequence is to come, in the device's thread; in any thread."""

    def caption(self, inputs: Sequence[ModelInputs], keys: Sequence[int]) -> list[Captions]:
        """Captions of each image, determined by its key."""


class ModelFolderError(FleetError):
    """A model folder lacks a file or holds another architecture; the line names the expected one."""

    label = "ModelFolderError"

    def __init__(self, folder: Path, problem: str, expected: str) -> None:
        super().__init__(f"{folder}: {problem}; expected {expected}")

"""The folder of a survey and its records.

`survey.json` and `pictures/` are what raters see; `truth.json` is opened by the report alone, never by the
server; `answers.db` is what raters gave.
"""

from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from common.errors import FleetError

SURVEY, TRUTH, IMAGES, ANSWERS, REPORT = "survey.json", "truth.json", "pictures", "answers.db", "report"
HINT = "name a folder that `dataset survey build` made"

Document = TypeVar("Document", bound=BaseModel)


class Author(StrEnum):
    """The author of a caption, in truth or by a rater's guess."""

    HUMAN = "human"
    MACHINE = "machine"


class Sample(BaseModel):
    """A picture and a caption; its random id is the picture's name too, and says nothing else."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(pattern=r"^[0-9a-f]{32}$")
    caption: str = Field(min_length=1)

    @property
    def image(self) -> str:
        return f"{self.id}.jpg"


class Survey(BaseModel):
    """All that the server may know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    contact: str
    """Contact for raters; may be empty."""
    samples: tuple[Sample, ...] = Field(min_length=1)
    """Checks among them."""
    per_rater: int | None = Field(None, gt=0)
    """Samples that each rater sees, checks not counted; None is all."""
    checks: frozenset[str] = frozenset()
    """Ids of the attention checks, which every rater sees."""

    @property
    def share(self) -> int:
        """Samples that each rater sees, checks not counted."""
        return self.per_rater or len(self.samples) - len(self.checks)


class Check(BaseModel):
    """The answer that an attention check asks for."""

    model_config = ConfigDict(frozen=True)

    guess: Author
    rating: int


class Origin(BaseModel):
    """Where a sample comes from."""

    model_config = ConfigDict(frozen=True)

    author: Author
    source: str
    """The picture's URL or path."""
    caption: str
    """As it was before both sides were spelt alike."""


class Truth(BaseModel):
    """Kept from raters."""

    model_config = ConfigDict(frozen=True)

    run: str
    human: str | None
    """The file of human captions; None in a machine-only survey."""
    seed: int
    samples: dict[str, Origin]
    """By the sample's id."""
    checks: dict[str, Check] = Field(default_factory=dict)
    """By the sample's id, which `samples` has too."""

    @property
    def machine_only(self) -> bool:
        return self.human is None


def read_survey(folder: Path) -> Survey:
    """The survey, all of its pictures there.

    Raises:
        FleetError: there is none, it is damaged, or a picture has vanished.
    """
    survey = _read(folder / SURVEY, Survey)
    for sample in survey.samples:
        image = folder / IMAGES / sample.image
        if not image.is_file():
            raise FleetError(f"{image}: the picture has vanished; restore it, or build the survey again")
    return survey


def read_truth(folder: Path, survey: Survey) -> Truth:
    """The truth of every sample.

    Raises:
        FleetError: there is none, or it is not this survey's.
    """
    truth = _read(folder / TRUTH, Truth)
    if (
        truth.samples.keys() != {sample.id for sample in survey.samples}
        or truth.checks.keys() != survey.checks
    ):
        raise FleetError(f"{folder / TRUTH}: not the truth of {folder / SURVEY}; do not mix surveys")
    return truth


def _read(path: Path, kind: type[Document]) -> Document:
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        raise FleetError(f"{path}: {error.strerror or error}; {HINT}") from error
    except ValidationError as error:
        raise FleetError(f"{path}: damaged ({error.errors()[0]['msg']}); {HINT}") from error

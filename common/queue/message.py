"""The message: a pointer to one batch, small enough for all of LAION-5B in one Redis."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from common.run.batch import batch_id
from common.run.planned_part import PartId

TASK = "caption.batch.v1"
"""Frozen: workers of another version would drop a renamed task."""

QUEUE = "caption.v1"


class Message(BaseModel):
    """Version, run, part and first row; never URLs. Redis is untrusted: validate every message."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: Literal[1] = 1
    run: Annotated[str, Field(min_length=1, max_length=150)]
    part: PartId
    first_row: NonNegativeInt

    @property
    def batch_id(self) -> str:
        return batch_id(self.part, self.first_row)

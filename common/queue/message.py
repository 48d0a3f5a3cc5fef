"""The message: a pointer to one batch, small enough that all of LAION-5B fits in a Redis."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from common.run.manifest import PartId, batch_id

TASK = "caption.batch.v1"
"""Frozen: a renamed task would be dropped by the workers of the other version."""

QUEUE = "caption.v1"


class Message(BaseModel):
    """Version, run, part and first row; never URLs. Whoever can write to Redis can write one: validate."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: Literal[1] = 1
    run: Annotated[str, Field(min_length=1, max_length=150)]
    part: PartId
    first_row: NonNegativeInt

    @property
    def batch_id(self) -> str:
        return batch_id(self.part, self.first_row)

"""Bounds of the rows that a run captions, the same for every shard."""

from typing import Self

from pydantic import BaseModel, ConfigDict

from common.settings import FilterSettings


class Thresholds(BaseModel):
    """The bounds of `FilterSettings`; None does not bound. Deny lists may change and are not among them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_punsafe: float | None = None
    max_pwatermark: float | None = None
    min_width: int | None = None
    min_height: int | None = None
    min_similarity: float | None = None

    @classmethod
    def of(cls, settings: FilterSettings) -> Self:
        return cls.model_validate(settings.model_dump(include=set(cls.model_fields)))

"""A JSON record of a run or a data set: written once, closed to unknown fields."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Frozen: as read, so written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_json(self) -> bytes:
        return (self.model_dump_json(indent=1) + "\n").encode()

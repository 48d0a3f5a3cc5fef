"""What a source of images gives for a row."""

from dataclasses import dataclass

from common.run.status import Status


@dataclass(frozen=True, slots=True)
class Fetched:
    """A body if the status is ok, else an error."""

    status: Status
    error: str | None = None
    body: bytes | None = None

"""The failure record of a dead batch."""

from datetime import UTC, datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from common.run.layout import FAILED
from common.store import OversizeError, Store
from common.version import __version__


class Reason(StrEnum):
    """Cause of death of a batch."""

    CRASHED = "crashed"
    VANISHED = "vanished"
    ERROR = "error"
    PART = "part"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


class Failure(BaseModel):
    """`failed/<part>/<first row>.json`; create-only, deleted only by `requeue --dead`."""

    model_config = ConfigDict(frozen=True)

    batch: str
    reason: Reason
    error: str
    crashed: int = 0
    vanished: int = 0
    worker: str
    version: str = __version__
    at: str = Field(default_factory=_now)


def failure_key(batch: str) -> str:
    return f"{FAILED}/{batch}.json"


def write_failure(store: Store, failure: Failure) -> None:
    """Write the record; no-op if it exists."""
    store.create(failure_key(failure.batch), (failure.model_dump_json(indent=1) + "\n").encode())


def read_failure(store: Store, batch: str) -> Failure | None:
    """The record of a batch, or None if it is not dead.

    Raises:
        ValueError: the record is damaged.
    """
    try:
        body = store.read(failure_key(batch))
    except OversizeError as error:
        raise ValueError(str(error)) from error
    return None if body is None else Failure.model_validate_json(body)

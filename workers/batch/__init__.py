"""From a batch's rows to its shard: one flow, which knows no Celery."""

from workers.batch.errors import ForeignMessageError, WrongSettingsError
from workers.batch.filters import FilterError
from workers.batch.network import NetworkError
from workers.batch.work import (
    Advance,
    Work,
    caption_batch,
    find_work,
    read_batch,
)

__all__ = [
    "Advance",
    "FilterError",
    "ForeignMessageError",
    "NetworkError",
    "Work",
    "WrongSettingsError",
    "caption_batch",
    "find_work",
    "read_batch",
]

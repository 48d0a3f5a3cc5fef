"""From a batch's rows to its shard: one flow, which knows no Celery."""

from workers.batch.work import (
    Advance,
    ForeignMessageError,
    Work,
    WrongSettingsError,
    caption_batch,
    find_work,
    read_batch,
)

__all__ = [
    "Advance",
    "ForeignMessageError",
    "Work",
    "WrongSettingsError",
    "caption_batch",
    "find_work",
    "read_batch",
]

"""From a batch's rows to its shard: one flow, which knows no Celery."""

from workers.batch.caption import Advance, caption_batch
from workers.batch.errors import ForeignMessageError, WrongSettingsError
from workers.batch.filters import FilterError
from workers.batch.network import NetworkError
from workers.batch.read import read_batch
from workers.batch.work import Work, find_work

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

"""From a batch's rows to its shard: one flow, which knows no Celery."""

from workers.batch.work import Advance, ForeignMessageError, Work, WrongSettingsError, do_work, find_work

__all__ = ["Advance", "ForeignMessageError", "Work", "WrongSettingsError", "do_work", "find_work"]

"""The Celery task, as the parent knows it."""

from celery import Celery, Task

from common.queue.message import TASK
from common.settings import Settings
from workers.delivery.errors import DeadBatchError


def register_task(app: Celery, settings: Settings) -> None:
    """Give the app its only task."""

    @app.task(  # type: ignore[untyped-decorator]
        name=TASK, bind=True, throws=(DeadBatchError,), Request="workers.delivery.request:FleetRequest"
    )
    def caption_batch(self: Task, *_: object, **fields: object) -> None:
        from workers.delivery.deliver import deliver  # noqa: PLC0415 - the parent loads no pyarrow

        deliver(self, fields, settings)

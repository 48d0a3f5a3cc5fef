"""The real app with other models, for modules that workers are started from: `celery -A MODULE worker`."""

from collections.abc import Callable

from celery import Celery

import workers.delivery.attempt
from common.settings import Settings
from workers.captions import Captioning
from workers.celery import app


def with_models(make: Callable[[Settings], Captioning], module: str) -> Celery:
    """The app, whose processes make their models once.

    Args:
        make: the models.
        module: the name of the caller, which a child imports as well.
    """
    made: list[Captioning] = []

    def load(settings: Settings) -> Captioning:
        if not made:
            made.append(make(settings))
        return made[0]

    workers.delivery.attempt.load_models = load  # type: ignore[attr-defined]
    app.conf.imports = ("workers.celery", module)
    return app

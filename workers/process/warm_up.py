"""The first steps of a pool child."""

import threading

import structlog

from common.errors import FleetError
from common.settings import Settings
from workers.health import ChildHealth

log = structlog.get_logger(__name__)


def warm_up(settings: Settings) -> None:
    """Preload the models in a background thread if health files are on; a batch waits for the same load."""
    if settings.health.folder is not None:
        threading.Thread(target=_load, args=(settings,), name="warm-up", daemon=True).start()


def show_metrics(settings: Settings) -> None:
    """Export every counter from now on, if anybody is to see them."""
    if settings.metrics.port:
        from workers.delivery.zeroes import show_zeroes  # noqa: PLC0415 - only a child counts

        show_zeroes()


def _load(settings: Settings) -> None:
    from workers.models.load import load_models  # noqa: PLC0415 - only a child loads them

    health = ChildHealth(settings.health)
    try:
        with health.loading():
            load_models(settings)
    except FleetError as error:
        log.error("the models cannot be loaded", reason=str(error))
    else:
        health.mark_ready()

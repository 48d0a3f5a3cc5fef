"""Checks before a worker starts and loads a model: a failure is one line and exit code 2.

Celery waits for a broker that is down; one that refuses is an error.
"""

import tempfile
from pathlib import Path

import redis
import structlog
from huggingface_hub import constants

from common.errors import FleetError, StoreError
from common.queue.broker import connect_once, describe_error
from common.queue.broker_url import parse_broker_url
from common.queue.trial import try_broker
from common.run.layout import RUN_KEY
from common.run.part_places import allowed_places
from common.settings import Settings
from common.settings.presets import FAKE
from common.store import absolute_uri, is_s3, open_store
from workers.models.lock import ModelLock

REFUSALS = (redis.AuthenticationError, redis.exceptions.AuthorizationError, redis.ResponseError)
PASSING = (redis.exceptions.OutOfMemoryError, redis.ReadOnlyError)
"""Those that a worker waits out."""

log = structlog.get_logger(__name__)


def require_infrastructure(settings: Settings) -> None:
    """Raises FleetError unless output, broker and models are usable."""
    if not settings.output:
        raise FleetError("FLEET_OUTPUT is not set; name the output whose runs this worker serves")
    allowed_places(settings.parts_allow)
    _require_broker(settings)
    _require_models(settings)
    _require_writable(absolute_uri(settings.output), settings)


def _require_broker(settings: Settings) -> None:
    try:
        try_broker(connect_once(settings.broker_url), settings)
    except REFUSALS as error:
        if isinstance(error, PASSING):
            log.warning("the broker takes no writes; waiting for it", error=str(error))
            return
        raise describe_error(settings.broker_url, error) from error
    except redis.RedisError as error:
        where = parse_broker_url(settings.broker_url).shown
        log.warning("the broker is away; waiting for it", broker=where, error=str(error))


def _require_models(settings: Settings) -> None:
    """Check the lock, folders and, offline, the Hub's cache; not models that can still be downloaded."""
    if settings.models == FAKE:
        return
    if settings.models_lock is not None:
        ModelLock.read(Path(settings.models_lock))
    from workers.models.resolve import required_models, resolve_model  # noqa: PLC0415 - slow

    for name in required_models(settings):
        if constants.HF_HUB_OFFLINE or name.startswith((".", "/", "~", "toy/")):
            resolve_model(name)


def _require_writable(output: str, settings: Settings) -> None:
    if is_s3(output):
        store = open_store(output, settings.s3)
        store.read(RUN_KEY)  # some servers begin an upload to a missing bucket
        store.check_writable()
        return
    folder = next(path for path in (Path(output), *Path(output).parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=folder) as file:  # unnamed: other workers may use the folder
            file.write(b"trial")
    except OSError as error:
        raise StoreError(
            f"{output}: {error.strerror}; FLEET_OUTPUT must be a folder that this user may write to"
        ) from error

"""What must be right before a worker starts: a fault is one line and exit code 2, and no model was loaded.

A broker that is away is no fault: Celery waits for it. One that refuses will refuse for ever.
"""

import tempfile
from pathlib import Path

import redis
import structlog
from huggingface_hub import constants
from kombu.utils.url import maybe_sanitize_url
from redis.backoff import NoBackoff
from redis.retry import Retry

from common.errors import FleetError, StoreError
from common.queue.broker import connect
from common.run.manifest import RUN_KEY
from common.settings import Settings
from common.settings.presets import FAKE
from common.store import absolute_uri, is_s3, open_store
from workers.models.lock import ModelLock

log = structlog.get_logger(__name__)


def check_surroundings(settings: Settings) -> None:
    """Raise FleetError where output, broker or models cannot be right."""
    if not settings.output:
        raise FleetError("FLEET_OUTPUT is not set; name the output whose runs this worker serves")
    _must_be_let_in(settings.broker_url)
    _must_find_models(settings)
    _must_write(absolute_uri(settings.output), settings)


def _must_be_let_in(url: str) -> None:
    where = maybe_sanitize_url(url)
    client = connect(url)
    client.set_retry(Retry(NoBackoff(), 0))
    try:
        client.ping()
    except (redis.AuthenticationError, redis.exceptions.AuthorizationError, redis.ResponseError) as error:
        raise FleetError(
            f"{where}: the broker refuses ({error}); correct the password in FLEET_BROKER_URL"
        ) from error
    except redis.RedisError as error:
        log.warning("the broker is away; waiting for it", broker=where, error=str(error))


def _must_find_models(settings: Settings) -> None:
    """The lock, folders and, offline, the hub's cache; what can be downloaded is not looked for."""
    if settings.models == FAKE:
        return
    if settings.models_lock is not None:
        ModelLock.read(Path(settings.models_lock))
    from workers.models.resolve import resolve_model, wanted  # noqa: PLC0415 - costs as much as all the rest

    for name in wanted(settings):
        if constants.HF_HUB_OFFLINE or name.startswith((".", "/", "~", "toy/")):
            resolve_model(name)


def _must_write(output: str, settings: Settings) -> None:
    if is_s3(output):
        store = open_store(output, settings.s3)
        store.read(RUN_KEY)  # some servers begin an upload to a bucket that is not there
        store.check_writable()
        return
    folder = next(path for path in (Path(output), *Path(output).parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=folder) as file:  # without a name: others may be at work there
            file.write(b"trial")
    except OSError as error:
        raise StoreError(
            f"{output}: {error.strerror}; FLEET_OUTPUT must be a folder that this user may write to"
        ) from error

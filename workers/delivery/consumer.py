"""Celery's consumer, made to come back from every outage of its broker by itself."""

import time
from functools import partial
from typing import Any

import redis
import structlog
from celery.events.dispatcher import EventDispatcher
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown
from kombu import Connection
from kombu.transport import virtual

from common.queue.broker import give_back
from workers.delivery.qos import DeliveryQoS

LONGEST_WAIT = 5.0
"""Seconds between two tries to reach a broker that is away, or to write to one that refuses."""

log = structlog.get_logger(__name__)


class FleetConsumer(Consumer):  # type: ignore[misc]
    """Connects anew after a failed acknowledgement; takes messages only from a broker that takes writes."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._unnoted: list[virtual.Message] = []
        self._is_restarting = False

    def connection_for_read(self, heartbeat: float | None = None) -> Connection:
        """The connection that tasks come over, once the broker takes writes."""
        connection = super().connection_for_read(heartbeat)
        channel = connection.default_channel
        channel.QoS = partial(DeliveryQoS, lost=self._restart, unnoted=self._unnoted)
        self._await_writes(channel.client)
        self._is_restarting = False
        return connection

    def ensure_connected(self, conn: Connection) -> Connection:
        """As Celery's, with shorter waits."""
        conn.ensure_connection = partial(conn.ensure_connection, interval_max=LONGEST_WAIT)
        return super().ensure_connected(conn)

    def asked_at(self) -> float:
        """The monotonic time of the last request for a message; 0.0 where there was none."""
        return getattr(self.task_consumer.channel, "_brpop_sent_at", None) or 0.0

    def _restart(self, error: Exception) -> None:
        if not self._is_restarting:
            self._is_restarting = True
            self.hub.call_soon(_raise, error)

    def _await_writes(self, client: redis.Redis) -> None:
        """Return what was popped and not noted; a full or read-only broker is waited for.

        A message taken from a broker that refuses to note it would be lost.
        """
        while True:
            try:
                give_back(client, [message._raw for message in self._unnoted])  # noqa: SLF001 - as kombu's QoS does
            except redis.ResponseError as error:
                log.warning("the broker takes no writes; waiting for it", error=str(error))
                maybe_shutdown()
                time.sleep(LONGEST_WAIT)
            else:
                self._unnoted.clear()
                return


class FleetDispatcher(EventDispatcher):  # type: ignore[misc]
    """Never waits for the broker: a heartbeat that did would hold the consumer's loop for a whole outage."""

    def send(self, *arguments: Any, retry: bool = False, **fields: Any) -> None:
        """As Celery's; an event that cannot be sent now is kept, and sent with the next."""
        del retry
        super().send(*arguments, retry=False, **fields)


def _raise(error: Exception) -> None:
    raise redis.ConnectionError(str(error)) from error

"""Celery's consumer, made to come back from every outage of its broker by itself."""

import json
import time
from collections.abc import Callable
from functools import partial
from queue import Empty
from typing import Any

import redis
import structlog
from celery.events.dispatcher import EventDispatcher
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown
from kombu import Connection
from kombu.transport import virtual
from kombu.transport.redis import Channel

from common.queue.broker import connect
from common.queue.kombu_queue import give_back
from common.queue.set_aside import set_aside
from workers.delivery.envelope import FleetMessage, ForeignEnvelopeError, refuse_long
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
        self._is_stopping = False

    def stop_taking(self) -> None:
        """Ask for no further message; one that is on its way goes back. Thread-safe."""
        self._is_stopping = True

    def connection_for_read(self, heartbeat: float | None = None) -> Connection:
        """The connection that tasks come over, once the broker takes writes."""
        connection = super().connection_for_read(heartbeat)
        channel = connection.default_channel
        channel.Message = FleetMessage
        channel.QoS = partial(
            DeliveryQoS,
            lost=self._restart,
            unnoted=self._unnoted,
            set_aside=self._set_aside,
            is_stopping=lambda: self._is_stopping,
        )
        channel.client.parse_response = refuse_long(channel.client.parse_response)
        channel.handlers["BRPOP"] = partial(self._read, channel)
        self._await_writes(channel.client)
        self._is_restarting = False
        return connection

    def ensure_connected(self, conn: Connection) -> Connection:
        """As Celery's, with shorter waits."""
        conn.ensure_connection = partial(conn.ensure_connection, interval_max=LONGEST_WAIT)
        return super().ensure_connected(conn)

    def create_task_handler(self, *arguments: Any, **options: Any) -> Callable[[virtual.Message], Any]:
        """As Celery's; a message that raises before its task begins is set aside."""
        handle = super().create_task_handler(*arguments, **options)

        def on_message(message: virtual.Message) -> Any:
            if self._is_stopping:
                message.channel.qos.return_first(message.delivery_tag)
                return message.reject_log_error(log, self.connection_errors, requeue=True)
            try:
                return handle(message)
            except (*self.connection_errors, SystemExit):
                raise
            except Exception as error:  # noqa: BLE001 - strangers' messages raise anything
                self._set_aside(json.dumps(message._raw), error)  # noqa: SLF001 - as it lay in the queue
                return message.ack()

        return on_message

    def asked_at(self) -> float:
        """The monotonic time of the last request for a message; 0.0 where there was none."""
        return getattr(self.task_consumer.channel, "_brpop_sent_at", None) or 0.0

    def _read(self, channel: Channel) -> Any:
        """As the channel's; an entry of the queue that is no message of Celery's is set aside."""
        try:
            return channel._brpop_read()  # noqa: SLF001 - the handler that this one stands for
        except (Empty, OSError, redis.RedisError):
            raise
        except ForeignEnvelopeError as error:
            self._set_aside(error.raw, error)
        except Exception as error:  # noqa: BLE001 - strangers' entries raise anything
            self._set_aside(str(getattr(error, "doc", error)), error)
        return True

    def _set_aside(self, raw: str, error: Exception) -> None:
        log.error("message set aside", reason=f"{type(error).__name__}: {error}")
        with connect(self.app.conf.broker_url) as client:
            set_aside(client, raw)

    def _restart(self, error: Exception) -> None:
        if not self._is_restarting:
            self._is_restarting = True
            self.hub.call_soon(_raise, error)

    def _await_writes(self, client: redis.Redis) -> None:
        """Return messages that were popped and not noted; wait for a full or read-only broker.

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

"""Kombu's account of deliveries, made to survive a broker that fails in the middle of it."""

from collections.abc import Callable, Iterator, MutableSequence
from contextlib import contextmanager
from typing import Any

import redis
from kombu.transport import virtual
from kombu.transport.redis import Channel, QoS


class DeliveryQoS(QoS):  # type: ignore[misc]
    """Frees the place of a message whose acknowledgement failed, and keeps one that could not be noted.

    kombu 5.7 raises out of `ack` and `reject` before it frees the place. With a prefetch of one the consumer
    then never asks for a message again, watches no socket, and so never notices that it lost the broker.

    Args:
        channel: that the messages come from.
        lost: told of each failure; the consumer must connect anew.
        unnoted: takes messages that were popped and could not be noted as held.
        set_aside: takes foreign entries among the held messages, with the reason.
        is_stopping: whether this worker is to take no further message.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        lost: Callable[[Exception], None],
        unnoted: MutableSequence[virtual.Message],
        set_aside: Callable[[str, Exception], None],
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(channel)
        self._lost, self._unnoted, self._is_stopping = lost, unnoted, is_stopping
        self._put_aside = set_aside
        self._first: set[str] = set()

    def can_consume(self) -> bool:
        """Whether to ask for a message; an answer to an earlier request is still read."""
        return super().can_consume() and (not self._is_stopping() or bool(self.channel._in_poll))  # noqa: SLF001

    def append(self, message: virtual.Message, delivery_tag: str) -> None:
        """Note that this worker holds the message."""
        try:
            super().append(message, delivery_tag)
        except Exception:
            self._unnoted.append(message)
            raise

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge; a message whose acknowledgement fails comes back when its lease ends.

        Raises:
            redis.ConnectionError: whatever the failure was.
        """
        with self._free_on_failure(delivery_tag):
            super().ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Reject; otherwise as `ack`."""
        with self._free_on_failure(delivery_tag):
            if requeue and self._goes_first(delivery_tag):
                self.restore_by_tag(delivery_tag)  # kombu's own place for it is the end of the queue
                virtual.QoS.ack(self, delivery_tag)
            else:
                super().reject(delivery_tag, requeue=requeue)

    def restore_by_tag(self, tag: bytes | str, client: Any = None, leftmost: bool = False) -> None:
        """As kombu's; but a foreign entry is set aside: each sweep for lost messages would end there."""
        try:
            super().restore_by_tag(tag, client, leftmost)
        except Exception as error:  # strangers' entries raise anything
            if isinstance(error, redis.RedisError) and not isinstance(error, redis.DataError):
                raise
            with self.channel.conn_or_acquire(client) as connected:
                raw = connected.hget(self.unacked_key, tag) or b""
                self._put_aside(bytes(raw).decode(errors="backslashreplace"), error)
                connected.zrem(self.unacked_index_key, tag)
                connected.hdel(self.unacked_key, tag)

    def _goes_first(self, delivery_tag: str) -> bool:
        """A stopping worker consumes no more, and returns the message of its last request."""
        return delivery_tag in self._first or not self.channel._consumers  # noqa: SLF001 - as kombu's own QoS does

    def return_first(self, delivery_tag: str) -> None:
        """Should this message be rejected, it goes to the front of the queue."""
        self._first.add(delivery_tag)

    @contextmanager
    def _free_on_failure(self, delivery_tag: str) -> Iterator[Any]:
        try:
            yield
        except Exception as error:
            virtual.QoS.ack(self, delivery_tag)  # frees the place, without a word to the broker
            self._lost(error)
            raise redis.ConnectionError(str(error)) from error  # Celery logs it and goes on
        finally:
            self._first.discard(delivery_tag)

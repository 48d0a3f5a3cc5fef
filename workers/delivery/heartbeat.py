"""The parent's signs in Redis: it lives, and it holds messages that no child has taken yet."""

import threading

from common.queue.broker import connect, connect_once
from common.queue.kombu_queue import renew_lease
from common.queue.workers import Workers
from common.settings import Settings
from workers.delivery.outage import tolerating_outage
from workers.delivery.request import held_requests
from workers.delivery.worker_id import worker_id


class Heartbeat:
    """Signs of life from a thread, until the worker ends."""

    def __init__(self, settings: Settings) -> None:
        self._url, self._lease = settings.broker_url, settings.lease
        self._client = connect(self._url)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Beat; the last beat ends before the batch of a dead worker is handed on."""
        self._thread.start()

    def beat(self) -> None:
        """This worker lives, and so does its hold on messages that no child has taken yet."""
        Workers(self._client).beat(worker_id(), max(1, self._lease.visibility_timeout // 2))
        for request in held_requests():
            if request.is_awaiting_child():
                renew_lease(self._client, request.delivery_tag)

    def end(self) -> None:
        """Nobody takes this worker for alive any longer, from now on."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(1)
        with tolerating_outage(), connect_once(self._url) as client:
            Workers(client).leave(worker_id())

    def _keep(self) -> None:
        while not self._over.is_set():
            with tolerating_outage():
                self.beat()
            self._over.wait(self._lease.renewal)

"""The survey's connections: a time for the head of each request, and a number for each address."""

import asyncio
import os
from collections import Counter
from ipaddress import ip_address
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
MOST_OF_ADDRESS = 32
"""Connections of one address at once: a browser opens six."""
TRUSTED = "FORWARDED_ALLOW_IPS"
"""uvicorn's own setting: whose `X-Forwarded-` headers are believed."""

_open: Counter[str] = Counter()


class DoorProtocol(H11Protocol):
    """HTTP/1.1 that closes connections whose request does not come, or that are too many."""

    _timer: asyncio.TimerHandle | None = None
    _counted: str | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        host = self.client[0] if self.client else ""
        if not is_proxy(host):
            if _open[host] >= MOST_OF_ADDRESS:
                transport.abort()
                return
            _open[host] += 1
            self._counted = host
        self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:  # the head is not complete
            self._await_head()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        if self._counted is not None:
            _open[self._counted] -= 1
            if not _open[self._counted]:
                del _open[self._counted]
            self._counted = None
        super().connection_lost(exc)

    def _await_head(self) -> None:
        """More bytes give no more time."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(HEAD_SECONDS, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def is_proxy(host: str) -> bool:
    """Whether connections from there are many people's: this machine, or a proxy that uvicorn believes."""
    trusted = {name.strip() for name in os.environ.get(TRUSTED, "").split(",")} - {""}
    try:
        return "*" in trusted or host in trusted or ip_address(host).is_loopback
    except ValueError:
        return False

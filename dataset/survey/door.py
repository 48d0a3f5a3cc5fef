"""The survey's connections: a time for each step of a request, and a number for each address."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from dataset.survey.web.forms import SECONDS as FORM_SECONDS
from dataset.survey.web.limits import neighbourhood

HEAD_SECONDS = 10.0
BODY_SECONDS = FORM_SECONDS + 10
"""Longer than a form is waited for, which then gets an answer; other bodies nobody reads."""
ANSWER_SECONDS = 120.0
"""For the last tens of kilobytes of an answer, which the system could not take over yet."""
MOST_OF_ADDRESS = 32
"""Connections of one address at once: a browser opens six."""
TRUSTED = "FORWARDED_ALLOW_IPS"
"""uvicorn's own setting: whose `X-Forwarded-` headers are believed."""

_open: Counter[str] = Counter()


class _Deadline:
    """A time after which a connection is closed, however little of it is done."""

    _timer: asyncio.TimerHandle | None = None

    def set(self, seconds: float, transport: Any) -> None:
        self.clear()
        self._timer = asyncio.get_running_loop().call_later(seconds, transport.abort)

    def clear(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class DoorProtocol(H11Protocol):
    """HTTP/1.1 that closes connections that are too many, or whose client neither sends nor takes."""

    _awaited: object = None
    _counted: str | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._request, self._answer = _Deadline(), _Deadline()

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        host = self.client[0] if self.client else ""
        if not is_proxy(host):
            host = neighbourhood(host)
            if _open[host] >= MOST_OF_ADDRESS:
                transport.abort()
                return
            _open[host] += 1
            self._counted = host
        self._await_rest()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._await_rest()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._answer.set(ANSWER_SECONDS, self.transport)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._answer.clear()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._answer.set(ANSWER_SECONDS, self.transport)  # the end of an answer may still wait for its reader

    def connection_lost(self, exc: Exception | None) -> None:
        self._request.clear()
        self._answer.clear()
        if self._counted is not None:
            _open[self._counted] -= 1
            if not _open[self._counted]:
                del _open[self._counted]
            self._counted = None
        super().connection_lost(exc)

    def _await_rest(self) -> None:
        """Of a head, or of a body: more bytes of the same give no more time."""
        state = self.conn.their_state
        if state is self._awaited:
            return
        self._request.clear()
        self._awaited = state
        if state in {h11.IDLE, h11.SEND_BODY}:
            self._request.set(HEAD_SECONDS if state is h11.IDLE else BODY_SECONDS, self.transport)


def is_proxy(host: str) -> bool:
    """Whether connections from there are many people's: this machine, or a proxy that uvicorn believes."""
    trusted = {name.strip() for name in os.environ.get(TRUSTED, "").split(",")} - {""}
    if {"*", host} & trusted:
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or any(address in network for network in _networks(trusted))


def _networks(names: Iterable[str]) -> Iterator[IPv4Network | IPv6Network]:
    for name in names:
        with suppress(ValueError):
            yield ip_network(name)

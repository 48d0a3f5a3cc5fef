"""The guard: a socket is only opened to globally routable addresses and the web's ports, or allowed ones."""

import socket
from errno import EACCES, EADDRNOTAVAIL
from functools import lru_cache
from typing import Any

from aiohttp.connector import AddrInfoType

from common.contact import ContactError
from workers.fetch.address import Network, is_public, is_within, parse_address
from workers.fetch.failure import BlockedAddress
from workers.fetch.shortage import Shortage, find_shortage, is_routable

PORTS = frozenset({80, 443, 8080, 8443})
VERDICTS = 4096
"""Remembered: of hosts that are asked again."""


class GuardedSocket(socket.socket):
    """Says Shortage where an error is this machine's own fault."""

    def connect(self, address: Any) -> None:
        """As a socket does.

        Raises:
            Shortage: there is no port left, or no memory.
        """
        try:
            super().connect(address)
        except BlockingIOError:  # it is on its way
            raise
        except OSError as error:
            if error.errno == EADDRNOTAVAIL and is_routable(self.family, address):
                raise Shortage(EADDRNOTAVAIL) from None
            raise (find_shortage(error) or error) from None


class Guard:
    """A socket factory that checks the very address about to be connected.

    Names, redirects and rebinding all end here: there is no gap between check and use.
    """

    def __init__(self, allow_networks: tuple[Network, ...] = (), *, has_contact: bool = True) -> None:
        self._allow_networks, self._has_contact = allow_networks, has_contact
        self._allows = lru_cache(VERDICTS)(self._judge)
        self._is_own = lru_cache(VERDICTS)(self._lies_within)

    def open_socket(self, info: AddrInfoType) -> socket.socket:
        """A socket for `info`.

        Raises:
            BlockedAddress: neither globally routable nor allowed.
            ContactError: a public address, which is not to be asked by somebody without a contact.
            Shortage: this machine has none.
        """
        family, kind, protocol, _, address = info
        if not self.allows(str(address[0]), int(address[1])):
            raise BlockedAddress(EACCES, "blocked")
        if not self._has_contact and not self._is_own(str(address[0])):
            raise ContactError
        try:
            return GuardedSocket(family, kind, protocol)
        except OSError as error:
            raise (find_shortage(error) or error) from None

    def allows(self, host: str, port: int) -> bool:
        """Whether an address literal and port may be connected."""
        return self._allows(host, port)

    def _judge(self, host: str, port: int) -> bool:
        address = parse_address(host)
        if address is None:
            return False
        return is_within(address, self._allow_networks) or (port in PORTS and is_public(address))

    def _lies_within(self, host: str) -> bool:
        address = parse_address(host)
        return address is not None and is_within(address, self._allow_networks)

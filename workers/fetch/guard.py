"""The guard: no socket is opened to an address or port that strangers may not send us to."""

import socket
from errno import EACCES
from functools import lru_cache

from aiohttp.connector import AddrInfoType

from workers.fetch.address import Network, is_public, is_within, parse
from workers.fetch.failure import BlockedAddress

PORTS = frozenset({80, 443, 8080, 8443})


class Guard:
    """A socket factory that looks at the very address about to be connected.

    Names, redirects and rebinding all end here; there is no gap between the check and the use.
    """

    def __init__(self, allow_networks: tuple[Network, ...] = ()) -> None:
        self._allow_networks = allow_networks
        self._allows = lru_cache(maxsize=4096)(self._judge)

    def open_socket(self, info: AddrInfoType) -> socket.socket:
        """A socket for `info`, or BlockedAddress."""
        family, kind, protocol, _, address = info
        if not self.allows(str(address[0]), int(address[1])):
            raise BlockedAddress(EACCES, "blocked")
        return socket.socket(family, kind, protocol)

    def allows(self, host: str, port: int) -> bool:
        """Whether an address literal and port may be connected."""
        return self._allows(host, port)

    def _judge(self, host: str, port: int) -> bool:
        address = parse(host)
        if address is None:
            return False
        return is_within(address, self._allow_networks) or (port in PORTS and is_public(address))

"""Shortages of this machine: descriptors, memory and ports, for which no URL is to blame."""

import socket
from errno import EADDRINUSE, EADDRNOTAVAIL, EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOMEM, errorcode

_LACKING = {
    EMFILE: "file descriptors; raise `ulimit -n`",
    ENFILE: "file descriptors; raise fs.file-max",
    ENOBUFS: "memory for sockets; raise net.ipv4.tcp_mem",
    ENOMEM: "memory; give the worker more",
    EADDRNOTAVAIL: "local ports; widen net.ipv4.ip_local_port_range",
}
_MARK = "of this machine's own"


class Shortage(OSError):  # noqa: N818 - a state of the machine that passes
    """A system call failed for want of a resource of this machine."""

    def __init__(self, code: int) -> None:
        super().__init__(code, f"{errorcode[code]} {_MARK}")

    @property
    def advice(self) -> str:
        """The resource and the remedy."""
        return f"{_LACKING[self.errno or ENOMEM]}, or lower FLEET_FETCH_CONCURRENCY"


def find_shortage(error: BaseException) -> Shortage | None:
    """The shortage that an exception of the system means, or None.

    EADDRNOTAVAIL counts only as a Shortage: by itself it may also be said of an unusable address.
    """
    if isinstance(error, Shortage):
        return error
    code = _find_code(error)
    return Shortage(code) if code in _LACKING else None


def _find_code(error: BaseException) -> int | None:
    match error:
        case socket.gaierror():  # whose codes are others
            return ENOMEM if error.errno == socket.EAI_MEMORY else None
        case OSError(errno=None):  # of several addresses asyncio joins the errors to one text
            return next((code for code in _LACKING if f"{errorcode[code]} {_MARK}" in str(error)), None)
        case OSError(errno=code):
            return None if code == EADDRNOTAVAIL else code
        case MemoryError():
            return ENOMEM
    return ENOMEM if isinstance(error, RuntimeError) and "can't start new thread" in str(error) else None


def is_routable(family: int, address: tuple[str | int, ...]) -> bool:
    """Whether there is a source address for a destination: UDP consults the routes and sends nothing."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(address)
        except OSError as error:
            return error.errno == EAGAIN  # a route, and no port
    return True


def require_lookup() -> None:
    """Raise Shortage if a lookup has no socket or port: getaddrinfo reports that as an unknown name."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("", 0))  # takes a port and sends nothing
    except OSError as error:
        shortage = Shortage(EADDRNOTAVAIL) if error.errno == EADDRINUSE else find_shortage(error)
        raise (shortage or error) from None

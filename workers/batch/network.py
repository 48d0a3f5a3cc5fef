"""Whether the network, and not the web, made a batch fail."""

import socket
from collections.abc import Sequence
from ipaddress import ip_address

from common.errors import FleetError
from common.run.status import Status
from common.url import parse_url
from workers.batch.outcome import Outcome

TEMPORARY = frozenset({Status.DNS_ERROR, Status.CONNECT_ERROR, Status.TIMEOUT})
UNTOLD = frozenset({Status.BLOCKED, Status.INVALID_URL, Status.FILTERED})
ENOUGH_HOSTS = 20


class NetworkError(FleetError):
    """This worker cannot reach the web: its batch must not be written as failures of the web."""

    label = "NetworkError"


def check_network(urls: Sequence[str | None], outcomes: Sequence[Outcome], canary: str) -> None:
    """Raise when at least 20 named hosts all failed temporarily, and a name that always resolves fails too.

    Args:
        urls: of the batch.
        outcomes: in the same order.
        canary: a name that always resolves.

    Raises:
        NetworkError: the network is to blame.
    """
    by_host: dict[str, set[Status]] = {}
    for url, outcome in zip(urls, outcomes, strict=True):
        host = _name(url)
        if host and outcome.status not in UNTOLD:
            by_host.setdefault(host, set()).add(outcome.status)
    failed = [host for host, statuses in by_host.items() if statuses <= TEMPORARY]
    if len(failed) == len(by_host) >= ENOUGH_HOSTS and not _resolves(canary):
        raise NetworkError(
            f"all {len(failed)} hosts of the batch failed, and so does {canary}; is there a network?"
        )


def _name(url: str | None) -> str | None:
    """The host of a URL if it is a name: a literal address says nothing about the resolver."""
    try:
        host = parse_url(url or "").host
    except ValueError:
        return None
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return host
    return None


def _resolves(name: str) -> bool:
    try:
        socket.getaddrinfo(name, 443)
    except OSError:
        return False
    return True

"""When the network is to blame, and when the web is."""

import pytest

from common.run.status import Status
from workers.batch.network import NetworkError, check_network
from workers.batch.outcome import Outcome

ABSENT, PRESENT = "canary.invalid", "localhost"
NAMES = [f"http://host-{number}.example/a.jpg" for number in range(25)]


def outcomes(status: Status, count: int) -> list[Outcome]:
    return [Outcome(status)] * count


@pytest.mark.parametrize("status", [Status.DNS_ERROR, Status.CONNECT_ERROR, Status.TIMEOUT])
def test_all_hosts_and_the_canary_fail(status: Status) -> None:
    with pytest.raises(NetworkError, match="all 25 hosts"):
        check_network(NAMES, outcomes(status, 25), ABSENT)


def test_the_canary_sings_so_the_web_is_to_blame() -> None:
    check_network(NAMES, outcomes(Status.DNS_ERROR, 25), PRESENT)


def test_one_host_that_answered_clears_the_network() -> None:
    check_network(NAMES, [*outcomes(Status.DNS_ERROR, 24), Outcome(Status.HTTP_4XX)], ABSENT)


def test_few_hosts_prove_nothing() -> None:
    check_network(NAMES[:19], outcomes(Status.DNS_ERROR, 19), ABSENT)
    one_host = [f"http://host.example/{number}" for number in range(100)]
    check_network(one_host, outcomes(Status.DNS_ERROR, 100), ABSENT)


def test_literal_blocked_and_malformed_addresses_never_count() -> None:
    urls = [*(f"http://192.0.2.{number}/" for number in range(100)), "http://[", None]
    check_network(urls, outcomes(Status.CONNECT_ERROR, 102), ABSENT)
    check_network(NAMES, outcomes(Status.BLOCKED, 25), ABSENT)
    with pytest.raises(NetworkError):
        check_network([*NAMES, *urls], outcomes(Status.CONNECT_ERROR, 127), ABSENT)

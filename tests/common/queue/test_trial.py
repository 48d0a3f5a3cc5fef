"""Brokers that cannot serve, or not now: one line each, before anything is written."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from common.queue.broker import broker_errors, connect_once
from common.queue.broker_url import BrokerError
from common.queue.message import QUEUE
from common.queue.trial import try_broker
from common.settings import Settings
from producer.cli import main
from tests.processes import run_here
from tests.samples import write_part
from tests.servers.acl import set_user
from tests.servers.valkey import Valkey, valkey

REFUSING = {
    "cluster": (("--cluster-enabled", "yes"), "a Redis cluster cannot serve; name a single server"),
    "replica": (("--replicaof", "127.0.0.1", "9"), "name the primary: a replica takes no writes"),
    "full": (("--maxmemory", "1"), "raise the server's maxmemory, or make room"),
}
WITHOUT_BINDINGS = ("on", ">pw", f"~{QUEUE}*", "~fleet:*", "+@all", "-@dangerous")


def attempt(url: str) -> None:
    with broker_errors(url), connect_once(url) as client:
        try_broker(client, Settings(broker_url=url))


@pytest.mark.parametrize("manner", REFUSING)
def test_a_broker_that_refuses_is_one_line_and_nothing_is_written(tmp_path: Path, manner: str) -> None:
    options, advice = REFUSING[manner]
    with valkey(tmp_path / "broker", *options) as server:
        environment = {"FLEET_BROKER_URL": server.url, "FLEET_MODELS": "fake"}
        part, output = write_part(tmp_path / "p.parquet"), tmp_path / "run"
        answer = run_here(main, "enqueue", part, "--output", output, environment=environment)
    assert (answer.returncode, output.exists()) == (2, False)
    assert answer.stderr.splitlines()[-1].endswith(advice)


@pytest.fixture
def occupy(broker: Valkey) -> Iterator[Callable[[], None]]:
    """Leaves no connection for anybody else."""
    first = redis.Redis(port=broker.port, single_connection_client=True)

    def leave_none() -> None:
        first.config_set("maxclients", 1)

    yield leave_none
    first.config_set("maxclients", 10_000)
    first.close()


def test_without_a_free_connection_the_line_names_maxclients(
    broker: Valkey, occupy: Callable[[], None]
) -> None:
    occupy()
    with pytest.raises(BrokerError, match="max number of clients reached; raise the server's maxclients"):
        attempt(broker.url)


def test_a_right_that_only_kombu_needs_is_missed_before_anything_is_queued(broker: Valkey) -> None:
    client = broker.client()
    set_user(client, "fleet", *WITHOUT_BINDINGS)
    try:
        with pytest.raises(
            BrokerError, match=r"_kombu\.binding.*give this user the rights of docs/brokers\.md"
        ):
            attempt(broker.url.replace("//", "//fleet:pw@"))
    finally:
        client.acl_deluser("fleet")


def test_a_good_broker_is_left_as_it_was(broker: Valkey) -> None:
    attempt(broker.url)
    attempt(broker.url)
    client = broker.client()
    assert client.llen(QUEUE) == 0
    assert {str(key) for key in client.scan_iter()} <= {"fleet:probe", *map(str, client.keys("_kombu.*"))}

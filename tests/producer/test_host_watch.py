"""Hosts that are left alone, or hold the fleet back, by name."""

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from common.queue.hosts import EXCHANGE, FULL, PREFIX, QUIET, WINDOW
from common.settings import Settings
from producer.host_watch import read_hosts
from producer.report import status_table
from producer.run_status import BatchCounts, RowCounts, RunStatus
from tests.servers.valkey import Valkey, valkey


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with valkey(tmp_path_factory.mktemp("valkey")) as running:
        yield running


def test_status_names_the_hosts_that_hold_the_fleet_back(server: Valkey) -> None:
    settings = Settings(broker_url=server.url)
    assert read_hosts(settings) is None
    quiet = ("1", "shy.test", "60000", "2000", "http_4xx 429")
    wishes = [part for slot in "abcde" for part in ("big.test", slot, "4", "4", "0")]
    server.client().eval(
        EXCHANGE, 3, PREFIX, QUIET, FULL, 15_000, 1000, 1000 * WINDOW, 60_000, 0, *quiet, *wishes
    )
    hosts = read_hosts(settings)
    assert hosts is not None
    state = RunStatus(BatchCounts(9, 1, 8, 0, 0, 0), RowCounts(90, 10, None), 1.0, 80.0, None, hosts)
    assert [host["host"] for host in state.to_json()["hosts"]["full"]] == ["big.test"]
    console = Console(width=120, file=io.StringIO(), record=True)
    console.print(status_table(state))
    text = console.export_text()
    assert "shy.test is left alone for 60 s, after http_4xx 429" in text
    assert "big.test holds the fleet back: its 4 slots are taken" in text


def test_a_broker_that_is_away_names_none() -> None:
    assert read_hosts(Settings(broker_url="redis://127.0.0.1:1/0")) is None

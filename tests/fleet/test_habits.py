"""Machines and options as people have them."""

from pathlib import Path

import pytest

from producer.cli import main
from producer.embedded import embedded_broker
from tests.processes import TOY, run, run_here
from tests.samples import write_part
from tests.servers.valkey import Valkey


@pytest.mark.parametrize("pool", ["solo", "threads"])
def test_another_pool_than_prefork_is_refused_in_one_line(pool: str, broker: Valkey, tmp_path: Path) -> None:
    environment = {
        "FLEET_BROKER_URL": broker.url,
        "FLEET_OUTPUT": str(tmp_path / "run"),
        "FLEET_MODELS": "fake",
    }
    answer = run("celery", "-A", "workers", "worker", "-P", pool, environment=environment, cwd=tmp_path)
    complaints = [line for line in answer.stderr.splitlines() if line.startswith("error: ")]
    assert answer.returncode == 2, answer.stderr
    assert len(complaints) == 1
    assert complaints[0].endswith(": only prefork can be used; leave the option out")


def test_a_long_temporary_folder_leaves_room_for_the_brokers_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("t" * 60) / ("u" * 60)
    long.mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(long))
    (tmp_path / "state").mkdir()
    with embedded_broker(tmp_path / "state") as url:
        assert len(url) < 120


@pytest.mark.parametrize(("policy", "warns"), [("allkeys-lru", True), ("noeviction", False)])
def test_a_broker_that_may_evict_the_queue_is_named(
    broker: Valkey, outside: Path, policy: str, *, warns: bool
) -> None:
    client = broker.client()
    client.config_set("maxmemory-policy", policy)
    try:
        environment = {**TOY, "FLEET_BROKER_URL": broker.url}
        answer = run_here(
            main, "enqueue", write_part(outside / "p.parquet"), "--output", "run", environment=environment
        )
    finally:
        client.config_set("maxmemory-policy", "noeviction")
    assert answer.returncode == 0, answer.stderr
    assert ("may evict the queue" in answer.stderr) is warns

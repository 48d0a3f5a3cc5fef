"""The hosts on the board: the ten that matter, and silence where Redis is away or forbids it."""

from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from common.queue.broker import connect
from common.queue.host_metrics import HOST_GAUGES, MOST, HostMetrics
from common.queue.hosts import FULL, PREFIX, QUIET, WINDOW
from tests.servers.valkey import valkey


def exported(metrics: HostMetrics) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(metrics)
    lines = [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_hosts_that_hold_the_fleet_back_or_are_left_alone(tmp_path: Path) -> None:
    with valkey(tmp_path) as server:
        client = server.client()
        now = 1000 * int(client.time()[0])
        client.zadd(FULL, {f"{n}.test": now - n for n in range(30)} | {"old.test": now - 2000 * WINDOW})
        client.zadd(QUIET, {"shy.test": now + 60_000, "over.test": now - 60_000})
        client.zadd(f"{PREFIX}:slots:0.test", {"a": now + 60_000, "b": now + 60_000, "gone": now - 60_000})
        client.set(f"{PREFIX}:rate:0.test", 300, px=1000 * (WINDOW - 10))
        found = exported(HostMetrics(client))
        assert found["fleet_hosts_full"] == 30
        assert found["fleet_hosts_quiet"] == 1
        assert found['fleet_host_full_slots{host="0.test"}'] == 2
        assert 29 < found['fleet_host_full_rate{host="0.test"}'] <= 30.1
        assert 58 < found['fleet_host_quiet_seconds{host="shy.test"}'] <= 60.1
        assert sum(name.startswith("fleet_host_full_slots") for name in found) == MOST
        assert {name.partition("{")[0] for name in found} == {gauge.name for gauge in HOST_GAUGES}
        client.acl_setuser(
            "blind", enabled=True, passwords=["+word"], keys=["caption*"], categories=["+@all"]
        )
        assert exported(HostMetrics(connect(server.url.replace("redis://", "redis://blind:word@")))) == {}
        server.kill()
        assert exported(HostMetrics(server.client())) == {}

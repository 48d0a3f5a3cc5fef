"""What Redis sees of many workers that share budgets of hosts and what is known of sites."""

import asyncio
import time
from typing import Any, NamedTuple

from common.settings import FetchSettings
from common.url import WebUrl, parse_url
from tests.servers.valkey import Valkey
from workers.fetch.host import lease_of
from workers.fetch.hosts import Hosts
from workers.fetch.places import Places
from workers.manners.redis_shared import RedisShared

SETTINGS = FetchSettings()
REQUEST = 0.2
"""Seconds for which a slot is held."""

ROWS = 60
"""Of each worker."""

ENTRY = b'{"u":1764300000,"r":[["Disallow","/wp-admin/"],["Disallow","/search"]]}'


class Load(NamedTuple):
    """What each worker does: URLs a second, and whether their sites are known."""

    pace: int
    knows: bool


LOADS = (Load(20, knows=True), Load(60, knows=True), Load(20, knows=False))


async def measure_redis(server: Valkey, workers: int) -> dict[str, dict[str, float]]:
    """Calls, microseconds and bytes of each row; every host is met once."""
    return {
        f"{load.pace} URLs a second each, sites {'known' if load.knows else 'unknown'}": await _measure(
            server, workers, load
        )
        for load in LOADS
    }


async def _measure(server: Valkey, workers: int, load: Load) -> dict[str, float]:
    client = server.client()
    client.flushall()
    client.config_resetstat()
    before: Any = client.info()
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(_work(server, number, load) for number in range(workers)))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    after: Any = client.info()
    stats: Any = client.info("commandstats")
    wire = after["total_net_input_bytes"] + after["total_net_output_bytes"]
    found = {
        "script_calls_a_url": stats["cmdstat_evalsha"]["calls"],
        "commands_a_url": sum(one["calls"] for one in stats.values()),
        "server_us_a_url": 1e6 * (_cpu(after) - _cpu(before)),
        "client_us_a_url": 1e6 * cpu,
        "wire_bytes_a_url": wire,
        "append_only_bytes_a_url": after["aof_current_size"] - before["aof_current_size"],
    }
    rows = workers * ROWS
    return {"urls_per_second": round(rows / wall)} | {name: round(n / rows, 2) for name, n in found.items()}


def _cpu(info: Any) -> float:
    return float(info["used_cpu_user"] + info["used_cpu_sys"])


async def _work(server: Valkey, number: int, load: Load) -> None:
    shared = RedisShared(server.url, lease_of(SETTINGS.timeout))
    hosts = Hosts(SETTINGS, shared, Places(1024), lambda: 600.0)
    await asyncio.sleep(number / 100 / load.pace)
    names = [f"host-{number}-{row}.test" for row in range(ROWS)]
    await shared.read_sites([f"http://{name}" for name in names])
    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(_fetch(shared, hosts, name, knows=load.knows))
            await asyncio.sleep(1 / load.pace)
    await hosts.close()
    await shared.close()


async def _fetch(shared: RedisShared, hosts: Hosts, name: str, *, knows: bool) -> None:
    """As the one row of its host: where nobody knows the site, its two files come first."""
    url = parse_url(f"http://{name}/a.jpg")
    if not knows:
        await shared.claim_site(url.origin)
        for _ in range(2):
            await _ask(hosts, url)
        await shared.write_site(url.origin, ENTRY)
    await _ask(hosts, url)


async def _ask(hosts: Hosts, url: WebUrl) -> None:
    async with hosts.turn(url):
        await asyncio.sleep(REQUEST)

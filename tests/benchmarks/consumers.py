"""What many workers cost one Redis: `python -m tests.benchmarks.consumers`.

Ten real workers with the ordinary lease settings, busy with short batches; then 200 light consumers
that say to Redis what a worker says, as often. Both report commands and connections a worker, and the
server's share of a core, less what it takes when idle; the projection to 1,000 takes the dearer of the two.
Prints one JSON object.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import redis
import redis.asyncio as aioredis

from common.queue.kombu_queue import UNACKED, UNACKED_INDEX, UNACKED_MUTEX
from common.queue.message import QUEUE
from common.queue.run_keys import run_prefix
from tests.faults.broker import Broker, broker, servers
from tests.faults.canary import canary
from tests.faults.fleet import SHORT_LEASE, fleet
from tests.faults.site import serve
from tests.faults.waiting import until

PROJECTED = 1000
PREFIX = run_prefix("s3://bucket/run")
KEYS = [QUEUE, *(f"{QUEUE}\x06\x16{priority}" for priority in (3, 6, 9))]
EXTEND = (
    "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], 5000) end return 0"
)
START_SECONDS = 5.0
IDLE_SECONDS = 10.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--real", type=int, default=10, help="workers (%(default)s)")
    parser.add_argument("--light", type=int, default=200, help="consumers (%(default)s)")
    parser.add_argument("--batch-seconds", type=float, default=20, help="(%(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="of each measurement (%(default)s)")
    parser.add_argument("--server", choices=servers(), default="valkey", help="(%(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        real = real_workers(Path(name) / "real", options)
        light = light_consumers(Path(name) / "light", options)
    each = {name: max(real[name], light[name]) for name in ("core_share_each", "connections_each")}
    projection = {
        "consumers": PROJECTED,
        "core_share": round(each["core_share_each"] * PROJECTED, 3),
        "connections": round(each["connections_each"] * PROJECTED),
    }
    print(json.dumps({"real": real, "light": light, "projection": projection}, indent=1))


def real_workers(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Workers as they are, with the ordinary settings."""
    with (
        broker(folder / "broker", server=options.server) as server,
        serve() as site,
        canary() as bird,
        fleet(folder, server, site, bird.url) as crew,
    ):
        for name in SHORT_LEASE:
            del crew.environment[name]
        batches = int(options.real * (options.seconds / options.batch_seconds + 20))
        crew.enqueue("real", batches)
        site.hold = options.batch_seconds
        idle = idle_share(server)
        for _ in range(options.real):
            crew.start(wait=False)
        until(lambda: len(site.open_attempts()) == options.real, 240, "every worker at work")
        return measure(server, options.real, options.seconds, idle)


def light_consumers(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Consumers that only speak to Redis."""
    with broker(folder / "broker", server=options.server) as server:
        return asyncio.run(_light(server, options))


async def _light(server: Broker, options: argparse.Namespace) -> dict[str, Any]:
    idle = idle_share(server)
    server.client().lpush(QUEUE, *("x" * 900 for _ in range(options.light * 20)))
    consumers = [
        asyncio.create_task(Consumer(server.port, number, options.batch_seconds).run())
        for number in range(options.light)
    ]
    await asyncio.sleep(START_SECONDS + options.batch_seconds)
    found = await asyncio.to_thread(measure, server, options.light, options.seconds, idle)
    for consumer in consumers:
        consumer.cancel()
    ended = await asyncio.gather(*consumers, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended
    return found


def idle_share(server: Broker) -> float:
    """The server's share of a core while nobody asks it anything."""
    client = server.client()
    before = _cpu(client)
    time.sleep(IDLE_SECONDS)
    return (_cpu(client) - before) / IDLE_SECONDS


def measure(server: Broker, workers: int, seconds: float, idle: float) -> dict[str, Any]:
    """The server's cost of `workers` while so many seconds pass."""
    client = server.client()
    began, before, commands = time.monotonic(), _cpu(client), _commands(client)
    time.sleep(seconds)
    passed = time.monotonic() - began
    share = (_cpu(client) - before) / passed
    return {
        "workers": workers,
        "core_share": round(share, 4),
        "core_share_idle": round(idle, 4),
        "core_share_each": round((share - idle) / workers, 6),
        "connections_each": round((int(client.info("clients")["connected_clients"]) - 1) / workers, 2),
        "commands_per_second_each": round((_commands(client) - commands) / passed / workers, 2),
    }


def _cpu(client: redis.Redis) -> float:
    used = client.info("cpu")
    return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])


def _commands(client: redis.Redis) -> int:
    return int(client.info("stats")["total_commands_processed"])


class Consumer:
    """One worker: the parent's poll, events and sign of life, and the child's lease, on a link each."""

    def __init__(self, port: int, number: int, batch_seconds: float) -> None:
        self._links = [aioredis.Redis(port=port, single_connection_client=True) for _ in range(4)]
        self._parent, self._events, self._sign, self._child = self._links
        self._number, self._seconds = number, batch_seconds

    async def run(self) -> None:
        """Until it is cancelled."""
        await asyncio.sleep(self._number % 100 / 100 * self._seconds)
        alive = f"fleet:worker:{self._number}"
        beside = _start(
            _every(20, lambda: self._sign.set(alive, 1, ex=90)),
            _every(10, lambda: self._events.publish("/0.celeryev/worker.heartbeat", "h" * 300)),
            _every(30, self._sweep),
        )
        try:
            while True:
                popped = await self._parent.brpop(KEYS, timeout=1)
                if popped is not None:
                    await self._work(f"{self._number}-{time.monotonic_ns()}", popped[1])
        finally:
            await _stop(beside)
            for link in self._links:
                await link.aclose()

    async def _sweep(self) -> None:
        if await self._sign.set(UNACKED_MUTEX, "x", nx=True, ex=30):
            await self._sign.zrevrangebyscore(UNACKED_INDEX, time.time() - 180, 0, start=0, num=10)
            await self._sign.delete(UNACKED_MUTEX)

    async def _work(self, tag: str, body: bytes | str) -> None:
        """Hold one message as long as a batch takes; meanwhile the parent polls nothing."""
        held = self._parent.pipeline()
        held.zadd(UNACKED_INDEX, {tag: time.time()})
        held.hset(UNACKED, tag, body)
        await held.execute()
        for state in ("received", "started"):
            await self._events.publish(f"/0.celeryev/task.{state}", "e" * 500)
        claim = f"{PREFIX}:claim:{tag}"
        await self._child.set(claim, tag, nx=True, px=5000)
        await self._child.hget(f"{PREFIX}:attempts:open", tag)
        await self._child.hset(f"{PREFIX}:attempts:open", tag, tag)
        keeping = _start(
            _every(1, lambda: self._child.eval(EXTEND, 1, claim, tag)),
            _every(5, lambda: self._beat(tag)),
            _every(20, lambda: self._child.zadd(UNACKED_INDEX, {tag: time.time()}, xx=True)),
        )
        try:
            await asyncio.sleep(self._seconds)
        finally:
            await _stop(keeping)
        await self._end(tag, claim)

    async def _beat(self, tag: str) -> None:
        """What the product's own beat sends."""
        key, rate = f"{PREFIX}:running:{tag}", f"{PREFIX}:rate:{int(time.time()) // 10}"
        sent = self._child.pipeline()
        sent.zadd(f"{PREFIX}:running", {tag: time.time() + 25})
        sent.hset(key, mapping={"worker": tag, "done": 1, "total": 10_000, "started": 1.0})
        sent.expire(key, 26)
        sent.incrby(rate, 300)
        sent.expire(rate, 600)
        await sent.execute()

    async def _end(self, tag: str, claim: str) -> None:
        committed = self._child.pipeline()
        committed.zrem(f"{PREFIX}:queued", tag)
        committed.hincrby(f"{PREFIX}:rows", "ok", 10_000)
        for name in ("open", "crashed", "vanished", "errors"):
            committed.hdel(f"{PREFIX}:attempts:{name}", tag)
        committed.zrem(f"{PREFIX}:running", tag)
        committed.delete(f"{PREFIX}:running:{tag}", claim)
        await committed.execute()
        await self._events.publish("/0.celeryev/task.succeeded", "e" * 300)
        acknowledged = self._parent.pipeline()
        acknowledged.zrem(UNACKED_INDEX, tag)
        acknowledged.hdel(UNACKED, tag)
        await acknowledged.execute()


def _start(*loops: Coroutine[object, object, None]) -> list["asyncio.Task[None]"]:
    return [asyncio.create_task(loop) for loop in loops]


async def _stop(tasks: list["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _every(seconds: float, step: Callable[[], Awaitable[object]]) -> None:
    while True:
        await step()
        await asyncio.sleep(seconds)


if __name__ == "__main__":
    main()

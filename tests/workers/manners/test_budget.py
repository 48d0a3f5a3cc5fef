"""One budget a host for many workers, by the host's own count."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from common.queue.hosts import WINDOW, read_full_hosts, read_quiet_hosts
from common.run.status import Status
from common.settings import FetchSettings
from tests.calls import Call
from tests.servers.valkey import Valkey, valkey
from tests.workers.manners.counting import LEASE, CountingHost, counting
from tests.workers.manners.crowd import fetch_many
from workers.fetch import Fetcher
from workers.fetch.host import LONGEST_LEASE
from workers.fetch.shared import Heard, Quiet, Release, SharedLostError, Wish
from workers.manners.redis_shared import RedisShared


def wish(host: str, slot: str, limit: int = 4, interval: float = 0.0) -> Wish:
    return Wish(host, slot, limit, limit, interval, held=0)


async def grants(shared: RedisShared, *wishes: Wish) -> list[bool]:
    return [answer.is_granted for answer in await shared.exchange([], [], wishes)]


async def test_slots_are_given_up_to_the_limit_and_again_once_they_are_free(shared: RedisShared) -> None:
    wishes = [wish("a.test", str(n)) for n in range(6)]
    assert await grants(shared, *wishes, wish("b.test", "0")) == [True] * 4 + [False] * 2 + [True]
    answers = await shared.exchange([Release("a.test", "2")], [], [wish("a.test", "6"), wish("a.test", "7")])
    assert [answer.is_granted for answer in answers] == [True, False]
    assert answers[1].quiet == 0


async def test_a_slot_ends_with_its_lease(server: Valkey) -> None:
    server.client().flushall()
    brief = RedisShared(server.url, 0.2)
    assert await grants(brief, *(wish("a.test", str(n), limit=1) for n in range(2))) == [True, False]
    await asyncio.sleep(0.25)
    assert await grants(brief, wish("a.test", "2", limit=1)) == [True]
    await brief.close()


async def test_quiet_is_everybodys_and_the_longest_counts(shared: RedisShared, server: Valkey) -> None:
    quiets = [Quiet("a.test", 60.0, 2.0, "http_4xx 429"), Quiet("a.test", 5.0, 2.0, "http_5xx 503")]
    [answer] = await shared.exchange([], quiets, [wish("a.test", "0")])
    assert not answer.is_granted
    assert answer.reason == "http_4xx 429"
    assert 59 < answer.quiet <= 60
    [quiet] = read_quiet_hosts(server.client())
    assert (quiet.host, quiet.reason) == ("a.test", "http_4xx 429")
    assert 58 < quiet.seconds <= 60


async def test_quiet_grows_with_failures_that_all_share(shared: RedisShared) -> None:
    seconds = []
    for host in ("a", "b"):
        for _ in range(7):
            [answer] = await shared.exchange([], [Quiet(host, None, 2.0, "http_5xx 503")], [wish(host, "0")])
            seconds.append(round(answer.quiet))
    assert seconds == [2, 4, 8, 16, 32, 60, 60] * 2


async def test_an_interval_lies_between_two_starts(shared: RedisShared, server: Valkey) -> None:
    slow = [wish("a.test", str(n), interval=3.0) for n in range(2)]
    first, second = await shared.exchange([], [], slow)
    assert (first.is_granted, second.is_granted, second.reason) == (True, False, "")
    assert 2 < second.quiet <= 3
    assert read_quiet_hosts(server.client()) == [], "it asked for an interval, not for peace"


async def test_hosts_that_hold_the_fleet_back_are_known(shared: RedisShared, server: Valkey) -> None:
    await grants(shared, *(wish("a.test", str(n), limit=2) for n in range(3)), wish("b.test", "0"))
    [full] = read_full_hosts(server.client())
    assert (full.host, full.slots, full.per_second) == ("a.test", 2, None)


async def test_a_host_holds_one_worker_back_too(shared: RedisShared, server: Valkey) -> None:
    await grants(shared, *(wish("a.test", str(n), limit=2) for n in range(2)))
    await shared.hear([Heard("a.test", 2, 2, waits=False, complaints=0, steps=[20])])
    assert read_full_hosts(server.client()) == []
    await shared.hear([Heard("a.test", 2, 2, waits=True, complaints=0, steps=[20] * 30)])
    server.client().pexpire("fleet:host:rate:a.test", 1000 * (WINDOW - 10))
    [full] = read_full_hosts(server.client())
    assert (full.host, full.slots) == ("a.test", 2)
    assert full.per_second == pytest.approx(3.0, rel=0.05)


async def test_a_site_is_one_workers_to_find_out(shared: RedisShared, server: Valkey) -> None:
    other = RedisShared(server.url, LEASE)
    claims = await asyncio.gather(shared.claim_site("http://a.test"), other.claim_site("http://a.test"))
    assert sorted(is_ours for _, is_ours in claims) == [False, True]
    await other.write_site("http://a.test", b"entry")
    assert (await shared.claim_site("http://a.test"))[0] == b"entry"
    assert await shared.read_sites(["http://b.test", "http://a.test"]) == [None, b"entry"]
    assert await shared.read_sites([]) == []
    await other.close()


async def test_a_site_that_nothing_can_be_told_of_keeps_nobody_waiting(shared: RedisShared) -> None:
    assert await shared.claim_site("http://a.test") == (None, True)
    await shared.leave_site("http://a.test")
    assert await shared.claim_site("http://a.test") == (None, True)
    await shared.write_site("http://a.test", b"stale")
    assert await shared.claim_site("http://a.test") == (b"stale", True)


async def test_a_forbidden_origin_is_refused_at_once_in_each_batch(server: Valkey) -> None:
    for _ in range(3):
        async with Fetcher(FetchSettings(), shared=RedisShared(server.url, LEASE)) as fetcher:
            async with asyncio.timeout(10):
                fetched = await fetcher.fetch("http://169.254.169.254/latest")
            assert fetched.status is Status.BLOCKED


async def test_a_redis_that_is_away_is_lost(tmp_path: Path) -> None:
    with valkey(tmp_path) as server:
        shared = RedisShared(server.url, LEASE)
        server.kill()
        with pytest.raises(SharedLostError):
            await shared.exchange([], [], [wish("a.test", "0")])
        with pytest.raises(SharedLostError):
            await shared.claim_site("http://a.test")
        server.start()
        assert await grants(shared, wish("a.test", "0")) == [True]
        await shared.close()


def start(server: Valkey, url: str, downloads: int, **settings: object) -> Call[Counter[str]]:
    return Call(fetch_many, server.url, url, downloads, **settings)


async def outcomes(workers: Sequence[Call[Counter[str]]]) -> Counter[str]:
    return sum([await worker.result() for worker in workers], Counter())


@pytest.mark.parametrize("workers", [1, 4])
async def test_a_host_sees_its_budget_however_many_workers_run(server: Valkey, workers: int) -> None:
    server.client().flushall()
    host = CountingHost(0.02)
    async with counting(host) as url:
        running = [start(server, url, 20) for _ in range(workers)]
        assert await outcomes(running) == {"ok": 20 * workers}
    assert host.most == 4
    assert host.count == 20 * workers


@pytest.mark.soak
async def test_sixteen_workers_see_the_same_budget(server: Valkey) -> None:
    server.client().flushall()
    host = CountingHost(0.02)
    async with counting(host) as url:
        running = [start(server, url, 50, host_budgets="127.0.0.1=8") for _ in range(16)]
        assert await outcomes(running) == {"ok": 50 * 16}
    assert host.most == 8


async def test_one_quiet_is_kept_by_all(server: Valkey) -> None:
    server.client().flushall()
    host = CountingHost(0.02, busy_after=20)
    async with counting(host) as url:
        running = [start(server, url, 20, retries=0) for _ in range(2)]
        assert await outcomes(running) == {"ok": 39, "http_4xx 429": 1}
    assert host.asked_in_quiet <= 3, "those that were on their way"


async def test_a_killed_workers_slots_are_free_after_their_lease(server: Valkey) -> None:
    server.client().flushall()
    host = CountingHost(3600)
    async with counting(host) as url:
        stuck = start(server, url, 4, timeout=30)
        await host.is_full.wait()
        stuck.process.kill()
        await asyncio.to_thread(stuck.process.join)
        host.seconds, key = 0.02, "fleet:host:slots:127.0.0.1"
        client = server.client()
        members = client.zrange(key, 0, -1)
        assert len(members) == 4
        for member in members:
            client.zincrby(key, 500 - 1000 * LONGEST_LEASE, str(member))  # half a second is left of each
        assert await outcomes([start(server, url, 8)]) == {"ok": 8}


async def test_without_redis_a_host_gets_one_request_at_a_time(tmp_path: Path) -> None:
    host = CountingHost(0.02)
    with valkey(tmp_path) as server:
        server.kill()
        async with counting(host) as url:
            assert await outcomes([start(server, url, 8)]) == {"ok": 8}
    assert host.most == 1

"""Budgets that grow by measurement, shared by all workers."""

import asyncio

import pytest

from common.growth import EVERY, MOST, SLOWER, time_step
from common.run.status import Status
from common.settings import FetchSettings, MannersSettings
from tests.servers.valkey import Valkey
from tests.web.server import reply
from tests.workers.manners.counting import LEASE, CountingHost, counting
from workers.fetch import Fetcher
from workers.fetch.shared import Answer, Heard, Wish
from workers.manners.redis_shared import RedisShared

HOST = "a.test"
STEP = time_step(0.1)


async def hear(shared: RedisShared, answers: int, complaints: int = 0, step: int = STEP) -> int:
    [limit] = await shared.hear([Heard(HOST, 4, MOST, True, complaints, [step] * answers)])
    return limit


async def wish(shared: RedisShared, count: int, most: int = MOST) -> list[Answer]:
    wishes = [Wish(HOST, str(n), 4, most, 0.0, held=0) for n in range(count)]
    return await shared.exchange([], [], wishes)


async def test_a_slot_more_after_a_hundred_answers_up_to_sixteen(shared: RedisShared) -> None:
    assert [await hear(shared, EVERY // 2) for _ in range(6)] == [4, 5, 5, 6, 6, 7]
    assert [await hear(shared, EVERY) for _ in range(12)] == [*range(8, 17), 16, 16, 16]


async def test_all_workers_get_what_has_grown(shared: RedisShared, server: Valkey) -> None:
    await hear(shared, EVERY)
    other = RedisShared(server.url, LEASE)
    answers = await wish(other, 6)
    assert [answer.is_granted for answer in answers] == [True] * 5 + [False]
    assert {answer.limit for answer in answers} == {5}
    await other.close()


async def test_a_worker_whose_budgets_do_not_grow_keeps_its_own(shared: RedisShared) -> None:
    await hear(shared, EVERY)
    assert [answer.is_granted for answer in await wish(shared, 6, most=4)] == [True] * 4 + [False] * 2


async def test_a_complaint_takes_half_at_once_and_no_more_than_has_grown(shared: RedisShared) -> None:
    for _ in range(9):
        await hear(shared, EVERY)
    assert [await hear(shared, 1, complaints=1) for _ in range(3)] == [6, 4, 4]
    assert await hear(shared, EVERY - 1) == 4, "it begins anew"
    assert await hear(shared, 1) == 5


async def test_a_host_that_becomes_slower_is_asked_for_less(shared: RedisShared) -> None:
    for _ in range(9):
        await hear(shared, EVERY)
    assert await hear(shared, EVERY, step=STEP + SLOWER) == 14, "as fast, but for chance"
    assert await hear(shared, EVERY, step=STEP + SLOWER + 1) == 7
    assert await hear(shared, EVERY, step=STEP + SLOWER + 1) == 8, "that is how fast it is now"
    some_slow = [STEP] * 51 + [STEP + 40] * 49
    [limit] = await shared.hear([Heard(HOST, 4, MOST, True, 0, some_slow)])
    assert limit == 9, "the median counts"


async def test_growth_is_forgotten(shared: RedisShared, server: Valkey) -> None:
    await hear(shared, EVERY)
    assert 3590 < server.client().ttl("fleet:host:growth:a.test") <= 3600


@pytest.mark.parametrize(("seconds", "step"), [(0.0, 0), (0.001, 0), (0.002, 4), (0.1, 27), (10.0, 53)])
def test_steps_of_time(seconds: float, step: int) -> None:
    assert time_step(seconds) == step


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are told at once, few suffice, and this machine's load is not taken for the host's."""
    monkeypatch.setattr("workers.fetch.hearing.PERIOD", 0.0)
    monkeypatch.setattr("workers.manners.redis_shared.EVERY", 10)
    monkeypatch.setattr("workers.manners.redis_shared.SLOWER", 100)


def fetcher(server: Valkey, *, growth: bool, **settings: object) -> Fetcher:
    options = {"allow_networks": "127.0.0.0/8", "retries": 0, **settings}
    manners = MannersSettings(signs=(), growth=growth)
    shared = RedisShared(server.url, LEASE)
    return Fetcher(FetchSettings.model_validate(options), manners, shared=shared)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("growth", "budgets", "grows"), [(True, "", True), (False, "", False), (True, "127.0.0.1=3", False)]
)
async def test_a_host_sees_its_budget_grow(server: Valkey, growth: bool, budgets: str, grows: bool) -> None:
    server.client().flushall()
    host = CountingHost(0.02)
    async with counting(host) as url, fetcher(server, growth=growth, host_budgets=budgets) as fetching:
        fetched = await asyncio.gather(*(fetching.fetch(url) for _ in range(150)))
    assert {one.status for one in fetched} == {Status.OK}
    if grows:
        assert 4 < host.most <= MOST
    else:
        assert host.most == (3 if budgets else 4)


@pytest.mark.usefixtures("impatient")
async def test_an_error_of_the_server_is_a_complaint(server: Valkey) -> None:
    client = server.client()
    client.flushall()
    client.hset("fleet:host:growth:127.0.0.1", "limit", 16)
    host = CountingHost(0.02, answer_with=reply(status="500 X"))
    async with counting(host) as url, fetcher(server, growth=True) as fetching:
        fetched = await asyncio.gather(*(fetching.fetch(url) for _ in range(60)))
    assert {one.status for one in fetched} == {Status.HTTP_5XX}
    assert client.hget("fleet:host:growth:127.0.0.1", "limit") == "4"

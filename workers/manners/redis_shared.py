"""The state that workers share, in Redis: in calls for many hosts, and in hashes for many sites."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from common.delay import LONGEST
from common.growth import EVERY, KEPT, SLOWER
from common.queue.broker_url import parse_broker_url
from common.queue.host_answers import HEAR
from common.queue.hosts import EXCHANGE, FULL, PREFIX, QUIET, WINDOW
from workers.fetch.shared import FAILURES_KEPT, Answer, Heard, Quiet, Release, SharedLostError, Wish
from workers.manners.site_keys import SITES_KEPT, lock_key, site_keys

TIMEOUT = 2.0
"""Seconds for one call; without an answer the state is lost for a while."""

LOCK_MS = 20_000
"""For finding out about a site; whoever died over it is replaced then."""

GATHER = 0.01
"""Seconds in which questions about sites gather for one call."""

Question = tuple[Callable[[Any], int], asyncio.Future[list[Any]]]
"""Adds its commands to a pipeline and says how many; what becomes of them."""


class RedisShared:
    """One batch's connection; for one event loop.

    Args:
        url: of the Redis or Valkey.
        lease: seconds of a slot.
    """

    def __init__(self, url: str, lease: float) -> None:
        self._client: Any = redis.asyncio.Redis.from_url(
            parse_broker_url(url).redis,
            decode_responses=False,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 0),
            single_connection_client=False,
        )
        self._exchange = self._client.register_script(EXCHANGE)
        self._hear = self._client.register_script(HEAR)
        self._lease = round(1000 * lease)
        self._questions: list[Question] = []
        self._asking: asyncio.Task[None] | None = None

    async def exchange(
        self, releases: Sequence[Release], quiets: Sequence[Quiet], wishes: Sequence[Wish]
    ) -> list[Answer]:
        """As `Shared` says, in one call."""
        arguments: list[Any] = [self._lease, _ms(FAILURES_KEPT), _ms(WINDOW), _ms(LONGEST), len(releases)]
        for release in releases:
            arguments += release
        arguments.append(len(quiets))
        for quiet in quiets:
            pause = -1 if quiet.seconds is None else _ms(quiet.seconds)
            arguments += (quiet.host, pause, _ms(quiet.first), quiet.reason)
        for wish in wishes:
            arguments += (wish.host, wish.slot, wish.limit, wish.most, _ms(wish.interval))
        with _losing():
            answers = await self._exchange(keys=[PREFIX, QUIET, FULL], args=arguments)
        return [_read_answer(answer.decode()) for answer in answers]

    async def hear(self, heard: Sequence[Heard]) -> list[int]:
        """As `Shared` says, in one call."""
        arguments: list[Any] = [_ms(WINDOW), _ms(KEPT), EVERY, SLOWER]
        for one in heard:
            arguments += (one.host, one.limit, one.most, int(one.waits), one.complaints, len(one.steps))
            arguments += one.steps
        with _losing():
            return [int(limit) for limit in await self._hear(keys=[PREFIX, FULL], args=arguments)]

    async def read_sites(self, origins: Sequence[str]) -> list[bytes | None]:
        """As `Shared` says, in one call."""
        if not origins:
            return []
        with _losing():
            pipeline = self._client.pipeline(transaction=False)
            for origin in origins:
                for key, name in site_keys(origin, time.time()):
                    pipeline.hget(key, name)
            found = iter(await pipeline.execute())
        return [today or yesterday for today, yesterday in zip(found, found, strict=True)]

    async def claim_site(self, origin: str) -> tuple[bytes | None, bool]:
        """As `Shared` says; questions of the same moment are one call."""

        def ask(pipeline: Any) -> int:
            keys = site_keys(origin, time.time())
            for key, name in keys:
                pipeline.hget(key, name)
            pipeline.set(lock_key(origin), 1, nx=True, px=LOCK_MS)
            return len(keys) + 1

        *entries, is_ours = await self._ask(ask)
        return next(filter(None, entries), None), bool(is_ours)

    async def write_site(self, origin: str, entry: bytes) -> None:
        """As `Shared` says."""

        def ask(pipeline: Any) -> int:
            key, name = site_keys(origin, time.time())[0]
            pipeline.hset(key, name, entry)
            pipeline.expire(key, SITES_KEPT)
            pipeline.delete(lock_key(origin))
            return 3

        await self._ask(ask)

    async def leave_site(self, origin: str) -> None:
        """As `Shared` says."""

        def ask(pipeline: Any) -> int:
            pipeline.delete(lock_key(origin))
            return 1

        await self._ask(ask)

    async def close(self) -> None:
        """Close the connections."""
        if self._asking is not None:
            await asyncio.gather(self._asking, return_exceptions=True)
        await self._client.aclose()

    async def _ask(self, ask: Callable[[Any], int]) -> list[Any]:
        answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._questions.append((ask, answer))
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(self._ask_all())
        return await answer

    async def _ask_all(self) -> None:
        while self._questions:
            await asyncio.sleep(GATHER)
            questions, self._questions = self._questions, []
            try:
                await self._answer(questions)
            except SharedLostError as error:
                for _, answer in questions:
                    if not answer.done():
                        answer.set_exception(error)

    async def _answer(self, questions: Sequence[Question]) -> None:
        pipeline = self._client.pipeline(transaction=False)
        counts = [ask(pipeline) for ask, _ in questions]
        with _losing():
            found = iter(await pipeline.execute())
        for (_, answer), count in zip(questions, counts, strict=True):
            values = list(islice(found, count))
            if not answer.done():
                answer.set_result(values)


@contextmanager
def _losing() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise SharedLostError(str(error)) from error


def _read_answer(answer: str) -> Answer:
    sign, rest = answer[0], answer[1:]
    if sign in "+*-":
        return Answer(is_granted=sign != "-", limit=int(rest), is_contended=sign != "+")
    milliseconds, _, reason = answer.partition(" ")
    return Answer(is_granted=False, quiet=int(milliseconds) / 1000, reason=reason)


def _ms(seconds: float) -> int:
    return round(1000 * seconds)

"""The sources of a batch's image bytes: the web, or an archive that is already here."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from common.metrics import Stage, measure
from common.run.status import Status
from common.settings import FetchSettings, MannersSettings
from workers.archive import Source
from workers.batch.byte_gate import ByteGate
from workers.batch.patience import Patience
from workers.fetch import Fetcher
from workers.fetch.shared import Shared
from workers.fetched import Fetched

Take = Callable[[int, Fetched], Awaitable[None]]
"""Receives a row's bytes, or why there are none; returns once the row is on its way."""

FOREVER = 10.0**6

READERS = 4
"""Bodies of an archive that are with decoders at once."""


class Bodies(Protocol):
    """A source of the bytes of a batch's rows.

    Args:
        patience: seconds that the models may wait for it, all together; then the rest is late.
    """

    patience: float

    async def deliver(self, wanted: Sequence[int], take: Take, room: ByteGate, patience: Patience) -> None:
        """Hand each of the wanted rows to `take`, in any order.

        Args:
            wanted: indexes in the batch.
            take: receives them.
            room: waited for before a further body is begun.
            patience: how much of it is left.

        Raises:
            FleetError: the source itself fails; nothing that belongs to one row raises.
        """

    def give_up(self) -> None:
        """Hand over rows that wait for their turn as failures: there is no time left."""


class WebBodies:
    """Downloads, as many at a time as the settings allow, and as their hosts do.

    Args:
        urls: of all rows.
        settings: limits and time-outs.
        manners: what is owed to the sites.
        shared: what the fleet shares about hosts; nothing where this worker is alone.
    """

    def __init__(
        self,
        urls: Sequence[str | None],
        settings: FetchSettings,
        manners: MannersSettings | None = None,
        shared: Shared | None = None,
    ) -> None:
        self._urls, self._settings, self._manners, self._shared = urls, settings, manners, shared
        self.patience = settings.batch_timeout
        self._fetcher: Fetcher | None = None

    async def deliver(self, wanted: Sequence[int], take: Take, room: ByteGate, patience: Patience) -> None:
        """See `Bodies`."""
        self._fetcher = Fetcher(
            self._settings, self._manners, shared=self._shared, time_left=lambda: patience.seconds_left
        )
        async with self._fetcher as fetcher:
            await fetcher.prepare(self._urls[index] for index in wanted)
            await _start_all(self._in_turn(wanted, fetcher, take, room))

    def give_up(self) -> None:
        """See `Bodies`."""
        if self._fetcher is not None:
            self._fetcher.give_up()

    async def _in_turn(
        self, wanted: Sequence[int], fetcher: Fetcher, take: Take, room: ByteGate
    ) -> AsyncIterator[Coroutine[None, None, None]]:
        """A row each time there is a place for one."""
        for index in wanted:
            await room.wait_for_room()
            await fetcher.places.take()
            yield self._fetch_one(index, fetcher, take)

    async def _fetch_one(self, index: int, fetcher: Fetcher, take: Take) -> None:
        url = self._urls[index]
        try:
            if url is None:
                await take(index, Fetched(Status.INVALID_URL, "the row has no URL"))
                return
            with fetcher.make_room() as rooms:
                with measure(Stage.FETCH):
                    fetched = await fetcher.fetch(url, rooms)
                await take(index, fetched)
        finally:
            fetcher.places.leave()


class HeldBodies:
    """Images that are here: one thread reads them in the order in which they lie.

    A slow disk or store is no fault of a row: they are waited for as long as the batch may take.
    """

    patience = FOREVER

    def __init__(self, source: Source, max_bytes: int) -> None:
        self._source, self._max_bytes = source, max_bytes

    async def deliver(self, wanted: Sequence[int], take: Take, room: ByteGate, patience: Patience) -> None:
        """See `Bodies`."""
        del patience
        held = self._source.read(wanted, self._max_bytes)
        with ThreadPoolExecutor(1, "read") as reader:
            await _together(self._read_some(held, reader, take, room) for _ in range(READERS))

    def give_up(self) -> None:
        """See `Bodies`: nothing here waits for a turn."""

    async def _read_some(
        self, held: Iterator[tuple[int, Fetched]], reader: ThreadPoolExecutor, take: Take, room: ByteGate
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await room.wait_for_room()
            found = await loop.run_in_executor(reader, _next, held)
            if found is None:
                return
            await take(*found)


def _next(held: Iterator[tuple[int, Fetched]]) -> tuple[int, Fetched] | None:
    with measure(Stage.FETCH):
        return next(held, None)


async def _together(tasks: Iterable[Coroutine[None, None, None]]) -> None:
    """Run all; the first failure ends the others and is raised as itself, so that its kind is seen."""
    try:
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(task)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _start_all(tasks: AsyncIterator[Coroutine[None, None, None]]) -> None:
    """`_together` for tasks that come one by one."""
    try:
        async with asyncio.TaskGroup() as group:
            async for task in tasks:
                group.create_task(task)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None

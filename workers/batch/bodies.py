"""Where the bytes of a batch's images come from: the web, or what is already here."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from common.metrics import Stage, measure
from common.run.schema import Status
from common.settings import FetchSettings
from workers.archive import Source
from workers.batch.byte_gate import ByteGate
from workers.fetch import Fetcher
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

    async def deliver(self, wanted: Sequence[int], take: Take, room: ByteGate) -> None:
        """Hand each of the wanted rows to `take`, in any order.

        Args:
            wanted: indexes in the batch.
            take: receives them.
            room: waited for before a further body is begun.

        Raises:
            FleetError: the source itself fails; nothing that belongs to one row raises.
        """


class WebBodies:
    """Downloads, as many at a time as the settings allow."""

    def __init__(self, urls: Sequence[str | None], settings: FetchSettings) -> None:
        self._urls, self._settings = urls, settings
        self.patience = settings.batch_timeout

    async def deliver(self, wanted: Sequence[int], take: Take, room: ByteGate) -> None:
        """See `Bodies`."""
        rows = iter(wanted)
        async with Fetcher(self._settings) as fetcher:
            await _together(
                self._fetch_some(rows, fetcher, take, room)
                for _ in range(min(self._settings.concurrency, len(wanted)))
            )

    async def _fetch_some(self, rows: Iterator[int], fetcher: Fetcher, take: Take, room: ByteGate) -> None:
        for index in rows:
            url = self._urls[index]
            if url is None:
                await take(index, Fetched(Status.INVALID_URL, "the row has no URL"))
                continue
            await room.wait_for_room()
            with fetcher.make_room() as rooms:
                with measure(Stage.FETCH):
                    fetched = await fetcher.fetch(url, rooms)
                await take(index, fetched)


class HeldBodies:
    """Images that are here: one thread reads them in the order in which they lie.

    A slow disk or store is no fault of a row: they are waited for as long as the batch may take.
    """

    patience = FOREVER

    def __init__(self, source: Source, max_bytes: int) -> None:
        self._source, self._max_bytes = source, max_bytes

    async def deliver(self, wanted: Sequence[int], take: Take, room: ByteGate) -> None:
        """See `Bodies`."""
        held = self._source.read(wanted, self._max_bytes)
        with ThreadPoolExecutor(1, "read") as reader:
            await _together(self._read_some(held, reader, take, room) for _ in range(READERS))

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

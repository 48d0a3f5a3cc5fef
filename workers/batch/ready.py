"""Decoded rows that wait for the cascade, and leave in full passes."""

import asyncio
from dataclasses import dataclass

from workers.batch.patience import Patience
from workers.captions import ModelInputs


@dataclass(frozen=True, slots=True)
class Ready:
    """A decoded row on its way to the cascade."""

    index: int
    sha256: str
    inputs: ModelInputs


class ReadyRows:
    """A queue of rows in the order of their decoding; for one event loop.

    Args:
        limit: rows that it holds.
        patience: time that is left for waiting.
    """

    def __init__(self, limit: int, patience: Patience) -> None:
        self._rows: asyncio.Queue[Ready] = asyncio.Queue(limit)
        self._patience = patience

    async def put(self, row: Ready) -> None:
        """Add a row once there is room."""
        await self._rows.put(row)

    async def take_pass(self, size: int, arriving: "asyncio.Task[None]") -> list[Ready]:
        """The next full pass; a smaller one, at last none, when all have arrived or no time is left.

        Args:
            size: rows of a full pass.
            arriving: the source of rows.

        Raises:
            Exception: what ended the source, if it did not end well.
        """
        rows: list[Ready] = []
        with self._patience.count_waiting():
            while len(rows) < size:
                row = await self._take(arriving)
                if row is None:
                    break
                rows.append(row)
        return rows

    async def _take(self, arriving: "asyncio.Task[None]") -> Ready | None:
        """A row, or None when there will be no more, or none in time."""
        if not self._rows.empty():
            return self._rows.get_nowait()
        row = asyncio.create_task(self._rows.get())
        either = {arriving, row}
        while not any(task.done() for task in either) and self._patience.seconds_left > 0:
            await asyncio.wait(
                either, timeout=self._patience.seconds_left, return_when=asyncio.FIRST_COMPLETED
            )
        if row.done():
            return row.result()
        row.cancel()
        if arriving.done():
            arriving.result()
            return None if self._rows.empty() else self._rows.get_nowait()
        return None

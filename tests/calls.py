"""Functions in processes of their own: forks of one that has imported the module, so that each need not."""

import asyncio
import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

T = TypeVar("T")
CONTEXT = multiprocessing.get_context("forkserver")


class Call(Generic[T]):
    """A process that calls a function of a module, beside others."""

    def __init__(self, function: Callable[..., T], *arguments: Any, **options: Any) -> None:
        CONTEXT.set_forkserver_preload([function.__module__])
        self._receiver, sender = CONTEXT.Pipe(duplex=False)
        self.process = CONTEXT.Process(target=_answer, args=(sender, function, arguments, options))
        self.process.start()
        sender.close()

    async def result(self) -> T:
        """What the function returns.

        Raises:
            EOFError: the process ended before.
        """
        found: T = await asyncio.to_thread(self._receiver.recv)
        await asyncio.to_thread(self.process.join)
        return found


def _answer(
    sender: Connection, function: Callable[..., T], arguments: tuple[Any, ...], options: dict[str, Any]
) -> None:
    sender.send(function(*arguments, **options))

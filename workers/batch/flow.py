"""From bytes to outcomes: their arrival, decoding and the cascade, each while the others work."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from common.machine import count_cores
from common.metrics import Stage, measure
from common.run.status import Status
from common.settings import FetchSettings
from common.signs import Honoured
from workers.batch.blocked import Blocked
from workers.batch.bodies import Bodies
from workers.batch.byte_gate import ByteGate
from workers.batch.outcome import Outcome
from workers.batch.pass_metrics import record_pass
from workers.batch.patience import Patience
from workers.batch.preparation import Decode, Preparation
from workers.batch.ready import Ready, ReadyRows
from workers.captions import Captioning, Captions, ModelInputs
from workers.decode.error import DecodeError
from workers.device import thread as device_thread
from workers.fetch.failure import Failure
from workers.fetched import Fetched

DECODERS = min(4, max(2, count_cores()))
"""Threads that decode and resize; the C parts release the interpreter. More than cores cost a tenth each."""

DECODED_AHEAD = 2
"""Full passes of the cascade that wait decoded: a bound on memory."""

GIVING_UP = 5
"""Turns of the loop from the end of a wait to the row's outcome, and some more."""

PASSES_AHEAD = 2
"""Passes with the device, the one that runs included: the next begins without a turn of the event loop."""

MAX_BODY_BYTES = 256 << 20
"""Bodies that wait for decoders; beyond it no further download begins."""


@dataclass(slots=True)
class Flow:
    """One batch on its way through fetcher, decoder and cascade.

    Args:
        cascade: the models, loaded.
        settings: how to fetch.
        micro_batch: images per pass of the cascade.
        decode: bytes to pixels.
        advance: called with the number of rows that have just got their outcome.
        honoured: signs in an image that are.
        blocked: images that must not be used.
    """

    cascade: Captioning
    settings: FetchSettings
    micro_batch: int
    decode: Decode
    advance: Callable[[int], None]
    honoured: Honoured = field(default_factory=Honoured)
    blocked: Blocked | None = None
    _preparation: Preparation = field(init=False)
    _outcomes: dict[int, Outcome] = field(default_factory=dict)
    _patience: Patience = field(init=False)
    _bodies: ByteGate = field(init=False)
    _slots: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._preparation = Preparation(
            self.cascade, self.settings.max_pixels, self.decode, self.honoured, self.blocked
        )
        self._bodies = ByteGate(MAX_BODY_BYTES)
        self._slots = asyncio.Semaphore(self.micro_batch * DECODED_AHEAD + DECODERS)

    async def run(self, bodies: Bodies, keys: Sequence[int], settled: Mapping[int, Outcome]) -> list[Outcome]:
        """One outcome per row, in order. Nothing that the web or an image does raises.

        Args:
            bodies: the bytes of each row.
            keys: one integer per row: its identity for the random numbers.
            settled: outcomes that are known without its bytes, by index.
        """
        self._outcomes.update(settled)
        self.advance(len(settled))
        self._patience = Patience(bodies.patience)
        wanted = [index for index in range(len(keys)) if index not in settled]
        ready = ReadyRows(self.micro_batch * DECODED_AHEAD, self._patience)
        with ThreadPoolExecutor(DECODERS, "decode") as decoders:
            take = partial(self._take, decoders=decoders, ready=ready)
            arriving = asyncio.create_task(bodies.deliver(wanted, take, self._bodies, self._patience))
            try:
                await self._caption_all(keys, arriving, ready)
                await _give_up(bodies)
            finally:
                arriving.cancel()
                await asyncio.gather(arriving, return_exceptions=True)
        late = Outcome(Status.TIMEOUT, "the batch's time for fetching was over")
        return [self._outcomes.get(index, late) for index in range(len(keys))]

    def _settle(self, index: int, outcome: Outcome) -> None:
        self._outcomes[index] = outcome
        self.advance(1)

    async def _take(
        self,
        index: int,
        fetched: Fetched,
        *,
        decoders: ThreadPoolExecutor,
        ready: ReadyRows,
    ) -> None:
        if fetched.body is None:
            self._settle(index, Outcome(fetched.status, fetched.error))
            return
        with self._patience.count_decoding(), self._bodies.hold(len(fetched.body)):
            async with self._slots:
                await self._decode(index, fetched.body, decoders, ready)

    async def _decode(self, index: int, body: bytes, decoders: ThreadPoolExecutor, ready: ReadyRows) -> None:
        sha256 = hashlib.sha256(body).hexdigest()
        try:
            inputs = await asyncio.get_running_loop().run_in_executor(
                decoders, self._preparation.prepare, body, sha256
            )
        except (DecodeError, Failure) as error:
            self._settle(index, Outcome(error.status, error.detail, sha256))
        else:
            await ready.put(Ready(index, sha256, inputs))

    async def _caption_all(
        self, keys: Sequence[int], arriving: "asyncio.Task[None]", ready: ReadyRows
    ) -> None:
        """Full passes while there are images; gives up on stragglers once the device waited too long."""
        places = asyncio.Semaphore(PASSES_AHEAD)
        try:
            async with asyncio.TaskGroup() as group:
                while rows := await ready.take_pass(self.micro_batch, arriving):
                    await places.acquire()
                    group.create_task(self._caption_pass(rows, keys)).add_done_callback(
                        lambda _: places.release()
                    )
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None  # a FleetError must be seen as one

    async def _caption_pass(self, rows: Sequence[Ready], keys: Sequence[int]) -> None:
        inputs = [row.inputs for row in rows]
        with self._patience.count_captioning(), self.cascade.announce(inputs):
            await asyncio.wrap_future(device_thread.submit(self._caption, rows, inputs, keys))
        self.advance(len(rows))

    def _caption(self, rows: Sequence[Ready], inputs: Sequence[ModelInputs], keys: Sequence[int]) -> None:
        with measure(Stage.CAPTION):
            captions = self.cascade.caption(inputs, [keys[row.index] for row in rows])
        record_pass(captions, self.micro_batch)
        for row, found in zip(rows, captions, strict=True):
            self._outcomes[row.index] = _outcome(row.sha256, found)


def _outcome(sha256: str, found: Captions) -> Outcome:
    if found.fault is not None:
        return Outcome(Status.NO_CAPTION, found.fault, sha256)
    return Outcome(Status.OK, None, sha256, found)


async def _give_up(bodies: Bodies) -> None:
    """Rows that still wait for their turn learn that there is no time left, and have their outcome."""
    bodies.give_up()
    for _ in range(GIVING_UP):
        await asyncio.sleep(0)

"""Bytes to pixels: quick images in the calling thread, slow and risky ones in a process that can be ended."""

import atexit
import threading
import time
from functools import cache
from types import TracebackType
from typing import Self

from common.settings import DecodeSettings
from workers.decode.error import SlowImageError, too_slow
from workers.decode.here import decode_here
from workers.decode.isolated import IsolatedDecoder
from workers.decode.rgb import Pixels

QUICK = 1.0
"""CPU seconds that an image may take in a thread of the worker."""

ORDINARY = 0.25
"""Seconds of an image that its batch's budget does not count, and leaves to everyone once it is spent."""

AT_ONCE = 2
"""Slow images at a time: bounds their memory, and leaves threads to the others."""


class Decoder:
    """`decode` with its settings, for one batch; a context manager, safe to use from several threads.

    Args:
        settings: how to decode.
        isolate: decode every image in a disposable process.
    """

    def __init__(self, settings: DecodeSettings, *, isolate: bool = False) -> None:
        self._settings = settings
        self._isolate = isolate
        self._isolated = IsolatedDecoder(seconds=settings.seconds, profiles=settings.profiles)
        self._places = threading.Semaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._spent = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        self._isolated.close()

    def decode(self, body: bytes, *, max_pixels: int) -> Pixels:
        """As `workers.decode.decode`."""
        if self._isolate:
            return self._isolated.decode(body, max_pixels=max_pixels)
        began = time.thread_time()
        seconds = ORDINARY if self._is_spent() else QUICK
        try:
            return decode_here(body, max_pixels=max_pixels, profiles=self._settings.profiles, seconds=seconds)
        except SlowImageError:
            pass
        finally:
            self._count(time.thread_time() - began)
        return self._decode_slowly(body, max_pixels)

    def _decode_slowly(self, body: bytes, max_pixels: int) -> Pixels:
        with self._places:
            if self._is_spent():
                raise too_slow(f"images of the batch took {self._settings.batch_seconds:g} s")
            began = time.monotonic()
            try:
                return self._isolated.decode(body, max_pixels=max_pixels)
            finally:
                self._count(time.monotonic() - began)

    def _is_spent(self) -> bool:
        return self._spent >= self._settings.batch_seconds

    def _count(self, seconds: float) -> None:
        with self._lock:
            self._spent += max(0.0, seconds - ORDINARY)


def decode(body: bytes, *, max_pixels: int) -> Pixels:
    """The first frame, upright, in sRGB, alpha on white: [height, width, 3] RGB.

    Safe to call from several threads.

    Raises:
        DecodeError: no image that we accept.
    """
    return _shared_decoder().decode(body, max_pixels=max_pixels)


@cache
def _shared_decoder() -> Decoder:
    decoder = Decoder(DecodeSettings(batch_seconds=float("inf")))
    atexit.register(decoder.close)
    return decoder

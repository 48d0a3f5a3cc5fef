"""Decoding where a crash harms nobody: in disposable processes, with limits of time and memory.

For slow images, and for every image of a batch whose worker died twice. Linux only, as the worker is.
`subprocess`, because the children of Celery's pool may not start `multiprocessing` ones.
"""

import json
import os
import signal
import struct
import subprocess
import sys
import threading
from pathlib import Path
from queue import Empty, LifoQueue
from types import TracebackType
from typing import IO, Any, Self

import numpy as np

from common.run.status import Status
from workers.decode.error import DecodeError, too_slow
from workers.decode.rgb import Pixels

MEMORY = 1 << 30
COMMAND = (sys.executable, "-m", "workers.decode")
REQUEST = struct.Struct("<QQ")  # bytes of the body that follows, most pixels
HEAD = struct.Struct("<I")  # bytes of the JSON that follows, then come the pixels
DONE = b"."
_MAX_HEAD = 10_000
_PATIENCE = 10  # times the CPU seconds that may pass on the clock of a busy machine, and
_GRACE = 10.0  # seconds more, before the server is given up
_KEPT = ("PATH", "LD_LIBRARY_PATH")  # of the environment: a broken decoder finds no credentials


class IsolatedDecoder:
    """`decode` in processes of its own; a context manager, safe to use from several threads.

    Args:
        seconds: CPU time for one image.
        memory: bytes that decoding one may take beyond what the process has at its start.
        profiles: convert colours to sRGB by the image's profile.
    """

    def __init__(self, *, seconds: float, memory: int = MEMORY, profiles: bool = True) -> None:
        self._seconds = seconds
        self._arguments = (str(seconds), str(memory), str(int(profiles)))
        self._idle: LifoQueue[_Server] = LifoQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes that wait for images."""
        while not self._idle.empty():
            self._idle.get_nowait().close()

    def decode(self, body: bytes, *, max_pixels: int) -> Pixels:
        """As `workers.decode.decode`; the death of the process is a DecodeError too.

        It is `decode_error` if the process was over its time, else `decode_crash`.
        """
        try:
            server = self._idle.get_nowait()
        except Empty:
            server = _Server(self._seconds, self._arguments)
        try:
            pixels = server.decode(body, max_pixels)
        except DecodeError as error:
            if server.broken:
                server.close()
            else:
                self._idle.put(server)
            raise error from None
        self._idle.put(server)
        return pixels


class _Server:
    """One process that forks for every image. Its answers are not trusted: it may have been taken over."""

    def __init__(self, seconds: float, arguments: tuple[str, ...]) -> None:
        self.broken = False
        self._seconds = seconds
        self._is_late = False
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [*COMMAND, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(),
        )

    def decode(self, body: bytes, max_pixels: int) -> Pixels:
        watchdog = threading.Timer(self._seconds * _PATIENCE + _GRACE, self._give_up)
        watchdog.start()
        try:
            return self._ask(body, max_pixels)
        except (OSError, ValueError, KeyError, TypeError) as error:
            self.broken = True
            raise self._death() from error
        finally:
            watchdog.cancel()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _give_up(self) -> None:
        self._is_late = True
        self._process.kill()

    def _death(self) -> DecodeError:
        self._process.kill()  # it may have answered nonsense and live
        code = abs(self._process.wait())
        if code == signal.SIGPROF or self._is_late:
            return too_slow(f"more than {self._seconds:g} s")
        known = {each.value: each.name for each in signal.Signals}
        return DecodeError(Status.DECODE_CRASH, f"decoder process: {known.get(code, f'exit code {code}')}")

    def _ask(self, body: bytes, max_pixels: int) -> Pixels:
        requests, answers = _pipes(self._process)
        requests.write(REQUEST.pack(len(body), max_pixels) + body)
        requests.flush()
        head = self._head(answers)
        pixels = None if "status" in head else _pixels(answers, head, max_pixels)
        if _exactly(answers, len(DONE)) != DONE:
            raise ValueError("no end")
        if pixels is None:
            raise DecodeError(Status(head["status"]), str(head["detail"])[:200])
        return pixels

    def _head(self, answers: IO[bytes]) -> dict[str, Any]:
        (length,) = HEAD.unpack(_exactly(answers, HEAD.size))
        head = json.loads(_exactly(answers, min(length, _MAX_HEAD)))
        if not isinstance(head, dict):
            raise TypeError("no object")
        return head


def _pixels(answers: IO[bytes], head: dict[str, Any], max_pixels: int) -> Pixels:
    height, width = (int(side) for side in head["shape"][:2])
    if not (0 < height <= max_pixels and 0 < width <= max_pixels and height * width <= max_pixels):
        raise ValueError("impossible shape")
    return np.frombuffer(bytearray(_exactly(answers, height * width * 3)), np.uint8).reshape(height, width, 3)


def _exactly(stream: IO[bytes], length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise ValueError("the process ended")
    return data


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise ValueError("no pipes")
    return process.stdin, process.stdout


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    return {**kept, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}

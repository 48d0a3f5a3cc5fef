"""The disposable side of `workers.decode.isolated`: images on standard input, pixels on standard output.

Each image is decoded in a fork of this process, which has only one thread. The fork writes the answer;
`DONE` follows when it has ended well. When it has not, this process ends too, with the signal's number.
"""

import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import NoReturn

from workers.decode.error import DecodeError
from workers.decode.here import decode_here
from workers.decode.isolated import DONE, HEAD, REQUEST


def main(seconds: float, memory: int, *, profiles: bool) -> None:
    """Answer one image after the other until standard input ends."""
    while head := sys.stdin.buffer.read(REQUEST.size):
        length, max_pixels = REQUEST.unpack(head)
        body = sys.stdin.buffer.read(length)
        child = os.fork()
        if child == 0:
            _limit(seconds, memory)
            _decode(body, max_pixels, profiles=profiles)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code:
            sys.exit(abs(code))
        _write(DONE)


def _limit(seconds: float, memory: int) -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + memory,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    signal.setitimer(signal.ITIMER_PROF, seconds)  # CPU time: a busy machine makes no image slow


def _decode(body: bytes, max_pixels: int, *, profiles: bool) -> NoReturn:
    try:
        pixels = decode_here(body, max_pixels=max_pixels, profiles=profiles)
    except DecodeError as error:
        _answer({"status": error.status, "detail": error.detail})
    else:
        _answer({"shape": pixels.shape})
        _write(pixels.data.cast("B"))
    os._exit(0)


def _answer(head: dict[str, object]) -> None:
    text = json.dumps(head).encode()
    _write(HEAD.pack(len(text)) + text)


def _write(data: bytes | memoryview) -> None:
    sent = 0
    while sent < len(data):
        sent += os.write(sys.stdout.fileno(), data[sent:])


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), profiles=sys.argv[3] == "1")

"""Commands in forks of one process that has loaded their libraries: a start takes milliseconds, not a second.

Each is a process of its own: environment, folder, streams, exit code, and it can be killed. Some tests start
the command from nothing instead, which proves that it loads what it needs.
"""

import atexit
import gc
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, NoReturn

STREAMS = ((1, "out"), (2, "err"))


def serve(main: Callable[[], None]) -> None:
    """Fork for each order of standard input; print the fork's id and, when it has ended, its exit code."""
    gc.freeze()  # a fork shares what it does not look through
    for order in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(**json.loads(order))
            _end(_run(main))
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _become(arguments: list[str], environment: dict[str, str], folder: str, streams: str) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for descriptor, name in STREAMS:
        os.dup2(os.open(Path(streams, name), os.O_WRONLY), descriptor)


def _run(main: Callable[[], None]) -> int:
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
        return 1
    return 0


def _end(code: int) -> NoReturn:
    """As the interpreter ends, but for freeing all that was loaded, which takes it a quarter of a second."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class Forks:
    """A process that forks, one fork at a time; it ends with this one.

    Args:
        program: Python that loads the libraries and calls `serve`.
    """

    def __init__(self, program: str) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        atexit.register(self._close)

    def _close(self) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(20)

    def start(self, *arguments: str, **environment: str) -> "Fork":
        """Start `main` with these arguments; `environment` is added to ours."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        streams = tempfile.TemporaryDirectory()
        for _, name in STREAMS:
            Path(streams.name, name).touch()  # there, however soon it is killed
        order = {"arguments": arguments, "environment": os.environ | environment}
        order |= {"folder": str(Path.cwd()), "streams": streams.name}
        self._server.stdin.write(json.dumps(order).encode() + b"\n")
        return Fork(int(self._server.stdout.readline()), self._server.stdout, streams)


class Fork:
    """A running command; wait for it before the next one starts."""

    def __init__(self, pid: int, codes: IO[bytes], streams: "tempfile.TemporaryDirectory[str]") -> None:
        self._pid, self._codes, self._streams = pid, codes, streams

    @property
    def is_running(self) -> bool:
        return not select.select([self._codes], [], [], 0)[0]

    def kill(self) -> None:
        """SIGKILL, unless it has ended by itself."""
        if self.is_running:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)

    def wait(self) -> "subprocess.CompletedProcess[str]":
        code = int(self._codes.readline())
        with self._streams as folder:
            said = [Path(folder, name).read_text() for _, name in STREAMS]
        return subprocess.CompletedProcess([], code, *said)

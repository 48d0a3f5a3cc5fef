"""The one thread of this process that loads the models and runs them, as long as the process lives.

CUDA's current device is a thread's own, and so are plans of its libraries: a new thread costs 0.25 to 0.4 s.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import ParamSpec, TypeVar

from workers.device.errors import device_errors

P = ParamSpec("P")
T = TypeVar("T")


def submit(work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> "Future[T]":
    """Run `work` after all earlier submissions.

    The future raises DeviceError in place of exceptions of torch or CUDA.
    """

    def run() -> T:
        with device_errors():
            return work(*arguments, **options)

    return _thread().submit(run)


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "device")

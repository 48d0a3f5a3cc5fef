"""One thread for the models, as long as the process lives."""

import threading

import pytest
import torch

from workers.device import thread
from workers.device.errors import DeviceLostError


def test_all_work_runs_in_order_on_one_thread() -> None:
    done: list[int] = []

    def note(number: int) -> int:
        done.append(number)
        return threading.get_ident()

    futures = [thread.submit(note, number) for number in range(20)]
    assert len({future.result() for future in futures}) == 1
    assert done == list(range(20))
    assert thread.submit(threading.get_ident).result() == futures[0].result()


def test_what_the_device_raises_is_ours() -> None:
    def fail() -> None:
        raise torch.AcceleratorError("CUDA error: device-side assert triggered")

    with pytest.raises(DeviceLostError, match="device-side assert"):
        thread.submit(fail).result()
    assert thread.submit(lambda: 1).result() == 1

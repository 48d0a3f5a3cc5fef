"""The parent's division of the machine, with a driver's tool that lists cards."""

import os
from pathlib import Path

import pytest

from common.settings import Settings
from workers.device.share import processes_on_card
from workers.process import divide_machine as module
from workers.process.divide_machine import divide_machine, free_memory_of_cards

LISTED = "0, GPU-aaaa, 142000\n1, GPU-bbbb, 142000\n2, GPU-cccc, 9000\n"
MIB = 1 << 20


@pytest.fixture(autouse=True)
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\nprintf '{LISTED}'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    for name in ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "CAPTION_PROCESSES_ON_CARD"):
        monkeypatch.setenv(name, "")  # restored at the end, whatever is set meanwhile
        monkeypatch.delenv(name)
    monkeypatch.setattr(module, "count_cores", lambda: 16)
    monkeypatch.setattr(module, "memory_bytes", lambda: 128 << 30)


@pytest.mark.parametrize(
    ("visible", "device", "free"),
    [
        (None, "auto", [142000, 142000, 9000]),
        ("1", "cuda", [142000]),
        ("GPU-cccc,0", "auto", [9000, 142000]),
        ("2,1", "cuda:1", [142000]),
        (None, "cuda:7", []),
        ("", "auto", []),
        (None, "cpu", []),
    ],
)
def test_the_cards_that_may_be_used(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, device: str, free: list[int]
) -> None:
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert free_memory_of_cards(device) == [each * MIB for each in free]


@pytest.mark.parametrize(
    ("visible", "wanted", "processes", "on_card"),
    [
        ("0", "auto", 2, 2),
        ("0,1", "auto", 4, 2),
        ("2", "auto", 1, 1),
        ("", "auto", 1, 1),
        ("0", 3, 3, 3),
        ("0,1", 3, 3, 2),
    ],
)
def test_children_share_cards_and_cores(
    monkeypatch: pytest.MonkeyPatch, visible: str, wanted: int | str, processes: int, on_card: int
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    divided = divide_machine(Settings.model_validate({"worker_processes": wanted}))
    assert divided.worker_processes == processes
    assert processes_on_card() == on_card
    assert int(os.environ["OMP_NUM_THREADS"]) == 16 // processes


def test_threads_that_somebody_chose_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    divide_machine(Settings())
    assert os.environ["OMP_NUM_THREADS"] == "7"


def test_no_driver_is_no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert divide_machine(Settings()).worker_processes == 1

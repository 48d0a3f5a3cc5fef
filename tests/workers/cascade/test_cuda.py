"""The card: chosen, refused in one line, never silently replaced by the CPU."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from workers.cascade.cuda import has_gpu, has_kernels, open_gpu
from workers.cascade.device import choose_device
from workers.device.errors import DeviceError
from workers.device.share import set_process_index

BUILT = ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"]


@pytest.mark.parametrize(
    ("capability", "architectures", "runs"),
    [
        ((7, 0), BUILT, False),  # V100
        ((6, 1), BUILT, False),
        ((7, 5), BUILT, True),  # T4
        ((8, 9), BUILT, True),  # L4: binaries of 8.6
        ((9, 0), ["sm_90a"], True),
        ((11, 0), BUILT, False),
        ((11, 0), [*BUILT, "compute_100"], True),
        ((8, 0), ["sm_86"], False),
    ],
)
def test_kernels_run_within_a_major_version(
    capability: tuple[int, int], architectures: list[str], runs: bool
) -> None:
    assert has_kernels(capability, architectures) is runs


def test_a_gpu_without_a_driver_is_no_silent_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert not has_gpu(tmp_path) or torch.cuda.is_available()
    (tmp_path / "nvidia0").touch()
    assert has_gpu(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not has_gpu(tmp_path)


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """Two cards, as torch shows them."""
    seen = SimpleNamespace(current=None, capability=(9, 0))
    for name, stand_in in {
        "init": lambda: None,
        "device_count": lambda: 2,
        "get_device_capability": lambda _: seen.capability,
        "get_arch_list": lambda: BUILT,
        "get_device_name": lambda _: "Tesla V100",
        "set_device": lambda index: setattr(seen, "current", index),
    }.items():
        monkeypatch.setattr(torch.cuda, name, stand_in)
    ones = torch.ones
    monkeypatch.setattr("workers.cascade.cuda.torch.ones", lambda *size, **_: ones(*size))
    monkeypatch.setenv("CAPTION_PROCESS_INDEX", "0")
    convolutions = torch.backends.cudnn.conv  # type: ignore[attr-defined]
    before, convolutions.fp32_precision = convolutions.fp32_precision, "tf32"
    yield seen
    convolutions.fp32_precision = before


def test_the_processes_of_a_worker_take_the_cards_in_turn(cards: SimpleNamespace) -> None:
    found = []
    for index in range(3):
        set_process_index(index)
        found.append(open_gpu("cuda").index)
        assert cards.current == found[-1]
    assert found == [0, 1, 0]


def test_a_numbered_card_is_taken_or_refused(cards: SimpleNamespace) -> None:
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(DeviceError, match="cuda:2: there are 2 GPUs here"):
        choose_device("cuda:2")


def test_float32_on_a_card_is_float32(cards: SimpleNamespace) -> None:
    open_gpu("cuda")
    assert torch.backends.cudnn.conv.fp32_precision == "ieee"  # type: ignore[attr-defined]


def test_a_card_without_kernels_is_a_sentence(cards: SimpleNamespace) -> None:
    cards.capability = (7, 0)
    with pytest.raises(
        DeviceError, match=r"Tesla V100: .*no kernels for this GPU \(sm_70; .*sm_75.*use another"
    ):
        choose_device("cuda")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
@pytest.mark.parametrize("name", ["cuda", "cuda:1", "plutonium"])
def test_a_device_that_is_not_there_is_one_line(name: str) -> None:
    with pytest.raises(DeviceError) as caught:
        choose_device(name)
    assert "\n" not in str(caught.value)
    assert "GPU" in str(caught.value) or "cuda" in str(caught.value)

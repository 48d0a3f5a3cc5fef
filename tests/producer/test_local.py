"""What `producer local` gives each worker."""

from pathlib import Path

import pytest

from common.settings import Settings
from producer.local_workers import gpu_count, worker_environment


@pytest.mark.parametrize(
    ("gpus", "pinned"), [(0, [None, None, None]), (1, ["0", "0", "0"]), (2, ["0", "1", "0"])]
)
def test_worker_i_gets_gpu_i(gpus: int, pinned: list[str | None]) -> None:
    environments = [worker_environment(number, gpus, Settings(), workers=3) for number in range(3)]
    assert [environment.get("CUDA_VISIBLE_DEVICES") for environment in environments] == pinned


def test_gpus_are_counted_as_the_driver_lists_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA H100 (UUID: a)'\necho 'GPU 1: NVIDIA H100 (UUID: b)'\n")
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert gpu_count() == 2
    monkeypatch.setenv("PATH", "/nowhere")
    assert gpu_count() == 0


def test_without_gpus_the_workers_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert worker_environment(0, 0, Settings(), workers=4)["OMP_NUM_THREADS"] == "2"
    assert "OMP_NUM_THREADS" not in worker_environment(0, 2, Settings(), workers=4)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert "OMP_NUM_THREADS" not in worker_environment(0, 0, Settings(), workers=4)

"""What `producer local` gives each worker."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from common.run.manifest import read_run
from common.settings import LeaseSettings, S3Settings, Settings
from common.store import open_store
from producer.batch_size import IMAGE_SECONDS, batch_rows_without_gpu, warn_of_long_batches
from producer.enqueue import plan_run
from producer.local_workers import gpu_count, has_accelerator, worker_environment
from producer.options import EnqueueOptions
from producer.run import write_run
from tests.samples import write_part


@pytest.mark.parametrize(
    ("gpus", "pinned"), [(0, [None, None, None]), (1, ["0", "0", "0"]), (2, ["0", "1", "0"])]
)
def test_worker_i_gets_gpu_i(gpus: int, pinned: list[str | None]) -> None:
    environments = [worker_environment(number, gpus, Settings(), workers=3) for number in range(3)]
    assert [environment.get("CUDA_VISIBLE_DEVICES") for environment in environments] == pinned


@pytest.fixture(autouse=True)
def _nothing_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("visible", "pinned"),
    [
        ("2,3", ["2", "3", "2"]),
        ("GPU-5ebe9f43", ["GPU-5ebe9f43"] * 3),
        ("1,-1,0", ["1", "1", "1"]),
        ("", [None] * 3),
        ("-1", [None] * 3),
    ],
)
def test_gpus_that_somebody_chose_or_hid_stay_so(
    monkeypatch: pytest.MonkeyPatch, visible: str, pinned: list[str | None]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    count = gpu_count()
    environments = [worker_environment(number, count, Settings(), workers=3) for number in range(3)]
    assert [environment.get("CUDA_VISIBLE_DEVICES") for environment in environments] == pinned
    assert all(("OMP_NUM_THREADS" in one) == (count == 0) for one in environments)


@pytest.mark.parametrize("device", ["cuda:1", "cpu"])
def test_a_device_that_somebody_named_is_not_renumbered(device: str) -> None:
    environment = worker_environment(0, 2, Settings(device=device), workers=2)
    assert "CUDA_VISIBLE_DEVICES" not in environment


@pytest.mark.parametrize(
    ("workers", "wanted", "processes"), [(1, "auto", None), (2, "auto", "1"), (2, 3, None)]
)
def test_workers_beside_others_do_not_each_take_the_whole_machine(
    workers: int, wanted: int | str, processes: str | None
) -> None:
    settings = Settings.model_validate({"worker_processes": wanted})
    environment = worker_environment(0, 1, settings, workers=workers)
    assert environment.get("FLEET_WORKER_PROCESSES") == processes


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
    monkeypatch.setattr("producer.local_workers.count_cores", lambda: 8)
    assert worker_environment(0, 0, Settings(), workers=4)["OMP_NUM_THREADS"] == "2"
    assert "OMP_NUM_THREADS" not in worker_environment(0, 2, Settings(), workers=4)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert "OMP_NUM_THREADS" not in worker_environment(0, 0, Settings(), workers=4)


@pytest.mark.parametrize(
    ("device", "has"), [("auto", False), ("cpu", False), ("cuda:1", True), ("mps", True)]
)
def test_the_device_decides_whether_batches_are_small(
    device: str, has: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert has_accelerator(Settings(device=device)) is has


@pytest.mark.parametrize("limit", [60, 7200, 10**9])
def test_a_batch_without_a_gpu_ends_far_within_its_time_limit(limit: int) -> None:
    rows = batch_rows_without_gpu(Settings(lease=LeaseSettings(time_limit=limit)))
    assert 1 <= rows <= 10_000
    assert rows == 1 or rows * IMAGE_SECONDS <= limit / 10


def test_a_run_keeps_the_batches_that_it_has(tmp_path: Path) -> None:
    part = write_part(tmp_path / "in.parquet", 30)
    settings, small = Settings(models="fake"), EnqueueOptions(usual_batch_rows=96)
    plan = plan_run([str(part)], str(tmp_path / "run"), settings, small)
    assert plan.run.batch_rows == 96
    write_run(plan.store, plan.run)
    assert plan_run([str(part)], str(tmp_path / "run"), settings).run.batch_rows == 96
    assert read_run(open_store(str(tmp_path / "run"), S3Settings())) == plan.run
    chosen = EnqueueOptions(batch_rows=7, usual_batch_rows=96)
    assert plan_run([str(part)], str(tmp_path / "other"), settings, chosen).run.batch_rows == 7


def test_batches_that_are_too_long_here_are_named() -> None:
    with capture_logs() as logs:
        warn_of_long_batches(96, Settings())
        warn_of_long_batches(10_000, Settings(models="toy"))
        warn_of_long_batches(10_000, Settings())
    assert [line["seconds_expected"] for line in logs] == [75_000]

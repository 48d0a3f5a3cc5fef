"""The check for any GPU, as far as it goes without one: parts on the CPU, and parts that fail."""

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import pytest
import torch

from tests.gpu import check
from tests.gpu.parts import graph, out_of_memory
from tests.gpu.report import Report
from workers.cascade.sampling.device_sampler import DrawState
from workers.cascade.sampling.nodes import Numbers

CPU = torch.device("cpu")
LONG = {"processes"}  # which load their own models


@pytest.mark.models
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.soak if name in LONG else ()) for name in check.LIMITS]
)
def test_a_part_runs_on_a_cpu_with_small_models_and_is_content(name: str) -> None:
    """What never ran is not left to a GPU whose time is short."""
    report = Report()
    import_module(f"tests.gpu.parts.{name}").check(CPU, report)
    assert report.figures
    assert report.failures == []


@pytest.mark.models
def test_captured_steps_that_draw_for_another_image_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = DrawState.begin

    def shifted(self: DrawState, keys: Sequence[int], prompt: Numbers) -> None:
        begin(self, [key + 1 for key in keys], prompt)

    monkeypatch.setattr(DrawState, "begin", shifted)
    report = Report()
    graph.check(CPU, report)
    assert [failure.split(" is ")[0] for failure in report.failures] == ["captions_float32_unpadded"]


@pytest.mark.models
def test_an_error_of_memory_that_is_not_ours_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(out_of_memory, "LIBRARY", "CUDA error: unspecified launch failure")
    with pytest.raises(RuntimeError, match="launch failure"):
        out_of_memory.check(CPU, Report())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.gpu.check", "--json", str(tmp_path / "found.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert "GPU" in done.stderr
    assert not (tmp_path / "found.json").exists()


def test_every_part_has_a_limit_and_all_fit_into_eight_minutes() -> None:
    modules = {path.stem for path in (Path(__file__).parent / "parts").glob("[a-z]*.py")}
    assert modules == set(check.LIMITS)
    assert sum(check.LIMITS.values()) <= check.IN_ALL <= 480


SCRIPTS = {
    "good": 'print(\'noise\'); print(\'{"figures": {"x": 1}, "failures": []}\')',
    "bad": 'print(\'{"figures": {"x": 1}, "failures": ["x is 1: too few"]}\')',
    "dead": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "raises": "raise ValueError('so it is')",
    "hangs": "import time; time.sleep(60)",
}


@pytest.mark.parametrize(
    ("name", "state", "failures"),
    [
        ("good", "ok", []),
        ("bad", "ok", ["x is 1: too few"]),
        ("dead", "exit code -9", []),
        ("raises", "exit code 1", []),
        ("hangs", "took more than 1 s", []),
    ],
)
def test_a_part_that_fails_costs_only_itself(name: str, state: str, failures: list[str]) -> None:
    part = check.run_part(name, "cpu", 1 if name == "hangs" else 30, (sys.executable, "-c", SCRIPTS[name]))
    assert (part["state"], part["failures"]) == (state, failures)


def test_its_exit_code_tells_whether_all_is_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = {"identity": [], "toy": ["tops_equal is 0.5: at least 0.99"]}

    def run_part(name: str, *_: object) -> dict[str, object]:
        return {"state": "ok", "seconds": 1.0, "figures": {}, "failures": reports[name]}

    monkeypatch.setattr(check, "run_part", run_part)
    target = str(tmp_path / "found.json")
    assert check.main(["--json", target, "--parts", "identity"]) == 0
    assert check.main(["--json", target, "--parts", "toy"]) == 1
    assert "tops_equal is 0.5" in capsys.readouterr().err
    assert set(json.loads(Path(target).read_text())["parts"]) == {"identity", "toy"}

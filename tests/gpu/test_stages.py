"""What is made of the device's times: stages within stages, several processes, what the aim leaves."""

import time

import pytest
import torch

from tests.gpu.flowing import Flowed, join
from tests.gpu.parts.profile import choose_card, predict_stages
from tests.gpu.stages import StageClock, over_aim


def test_a_stage_within_another_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    marks = iter([0.0, 0.010, 0.014, 0.020, 0.030, 0.031])
    monkeypatch.setattr(time, "perf_counter", lambda: next(marks))
    clock = StageClock(torch.device("cpu"))
    with clock.call("images"), clock.call("copies"):
        pass
    with clock.call("copies"):
        pass
    spent = clock.milliseconds()
    assert list(spent) == ["images", "copies"]
    assert spent == pytest.approx({"images": 16, "copies": 5})


def test_what_is_over_the_aim_is_told_by_stage() -> None:
    found = over_aim({"decoder": 90.0, "new": 5.0}, {"decoder": 60.0, "texts": 20.0}, 40)
    assert found["decoder"] == {"ms": 90.0, "predicted_ms": 60.0, "over_ms": 60.0}
    assert found["new"] == {"ms": 5.0, "predicted_ms": 0, "over_ms": 5.0}


def test_the_committed_prediction_has_the_stages_of_a_pass() -> None:
    stages = predict_stages("A100")
    assert {"decoder", "texts", "selector's images", "ranker's images", "captioner's images"} < set(stages)
    assert "draws" not in stages
    assert sum(stages.values()) > 1.5 * sum(predict_stages("H200").values())


def test_a_card_is_known_by_its_name() -> None:
    names = ("NVIDIA H200", "NVIDIA A100-SXM4-80GB", "Tesla T4", "NVIDIA L4", "NVIDIA L40S", "")
    assert [choose_card(name) for name in names] == ["H200", "A100", "T4", "L4", "H200", "H200"]


def test_a_card_idles_while_no_process_has_a_pass() -> None:
    flows = [
        {"captioned": 6, "passes": [[0, 2], [7, 10]]},
        {"captioned": 4, "passes": [[1, 3], [8, 9]]},
    ]
    together = join(flows)
    assert together.images_per_second == 1
    assert together.idle_share == pytest.approx(0.4)
    assert Flowed(1, [(0.0, 1.0)]).idle_share == 0

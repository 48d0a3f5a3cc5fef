"""The benchmark itself, from end to end on models that are small enough for a test."""

from collections.abc import Iterator

import pytest
import torch

from tests.benchmarks import cascade, cascade_models
from tests.benchmarks.cascade_ways import Models, Scripted
from tests.benchmarks.small_models import small_sizes

CPU = torch.device("cpu")
TRUTHFUL = {"truthful_images_per_second", "truthful_usual_images_per_second"}
NAMED = {
    "decode_speedup_40_distinct",
    "decode_speedup_10_distinct",
    "cascade_speedup",
    "original_speedup",
    "text_speedup",
    "crosskv_mb_per_image",
    "gflop_per_image",
    *TRUTHFUL,
}


@pytest.fixture
def plain() -> Iterator[Models]:
    with small_sizes():
        yield cascade.models(CPU, torch.float32)


@pytest.mark.soak
@pytest.mark.models
def test_every_figure_is_there(plain: Models) -> None:
    figures = cascade.run(CPU, pairs=1, images=2)
    assert set(figures) >= NAMED
    assert all(figures[name] > 0 for name in TRUTHFUL)
    assert set(figures["by_processor_time"]) <= NAMED
    assert figures["table"][0]["technique"] == "original's way"
    assert all(len(seconds) >= 1 for seconds in figures["seconds"].values())


@pytest.mark.models
@pytest.mark.usefixtures("plain")
def test_the_truthful_keys_are_there() -> None:
    figures = cascade.run_truthful(CPU, 2)
    assert set(figures) > TRUTHFUL
    assert all(figures[name] > 0 for name in TRUTHFUL)
    assert set(figures["seconds"]) == {"truthful", "truthful_usual_by_1", "truthful_usual_by_2"}


@pytest.mark.models
@torch.inference_mode()
def test_the_workload_is_what_it_says(plain: Models) -> None:
    """40 lanes write 10 texts of 15 tokens, other ones for other images; all are 16 tokens to the rankers."""
    features = torch.zeros(2, 17, 32)
    written = Scripted(plain).decode(features)
    texts = [{tuple(text) for text in written[first : first + 40]} for first in (0, 40)]
    assert [len(own) for own in texts] == [10, 10]
    assert not texts[0] & texts[1]
    assert {len(text) for own in texts for text in own} == {15}
    tokens = plain.texts(plain.captions(0))
    assert (tokens.argmax(-1) + 1).tolist() == [cascade_models.TEXT_TOKENS] * 10

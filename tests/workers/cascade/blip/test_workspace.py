"""What a GPU runs, but for the capture: draws within the step, memory by need, images that close ranks."""

from itertools import islice

import numpy as np
import pytest
import torch
from torch import nn

from common.settings import SamplingSettings
from tests.benchmarks.cascade_models import blip_large
from workers.captions import Image
from workers.cascade.blip import incremental_decoder, workspace
from workers.cascade.blip.captioner import BlipCaptioner
from workers.cascade.blip.load_blip import load_blip
from workers.cascade.blip.steps import image_sizes, node_sizes
from workers.cascade.blip.text_decoder import Cache, TextDecoder
from workers.cascade.blip.workspace import Work, Workspace
from workers.cascade.sampling import device_sampler, partial_selection
from workers.models.resolve import resolve_model
from workers.toy.drawing import UNSEEN, draw_scenes
from workers.toy.quality import SIDES

CPU = torch.device("cpu")
FREE = SamplingSettings(lanes=12, max_tokens=(4, 9), top_p=0.95, temperature=3, min_tokens=2)
COUNT = 20

pytestmark = pytest.mark.models


def captioner(*, captures: bool) -> BlipCaptioner:
    own = load_blip(resolve_model("toy/captioner"), FREE, CPU, torch.float32)
    own.captures = captures
    return own


@pytest.fixture(scope="module")
def images() -> list[Image]:
    resize = captioner(captures=False).preprocessing.resize
    return [resize(np.asarray(image)) for _, image in islice(draw_scenes(UNSEEN, 9, SIDES), COUNT)]


@pytest.fixture(scope="module")
def expected(images: list[Image]) -> list[list[str]]:
    return captioner(captures=False).sample(images, range(COUNT))


def test_rows_grow_when_lanes_share_less_than_expected(
    images: list[Image], expected: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "NODES_PER_IMAGE", 1)
    own, sizes = captioner(captures=True), []
    grow = Workspace.grow

    def watched(self: Workspace, work: Work, cache: Cache, nodes: int) -> object:
        sizes.append(cache.self_kv.shape[2])
        return grow(self, work, cache, nodes)

    monkeypatch.setattr(Workspace, "grow", watched)
    assert own.sample(images, range(COUNT)) == expected
    assert sizes[0] == 32
    assert len(sizes) < 8
    grown = len(sizes)
    assert own.sample(images, range(COUNT)) == expected  # and stay
    assert len(sizes) == grown


def test_images_that_end_leave_their_places(
    images: list[Image], expected: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The images that are attended to become fewer, and none of them gets another's caption."""
    seen: list[int] = []
    step = incremental_decoder.BlipDecoder._close_ranks

    def watched(self: incremental_decoder.BlipDecoder) -> None:
        step(self)
        seen.append(int(self._images.max()) + 1)

    monkeypatch.setattr(incremental_decoder.BlipDecoder, "_close_ranks", watched)
    assert captioner(captures=True).sample(images, range(COUNT)) == expected
    assert seen[0] == COUNT
    assert seen[-1] in {8, 16}


def test_unsure_rows_are_drawn_by_the_whole_rules(
    images: list[Image], expected: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    own, asked = captioner(captures=True), []
    draw = partial_selection.draw_among_few
    exact = device_sampler.DeviceSampler._draw_exactly

    def sometimes(rows: partial_selection.Rows, eos_id: int, sampling: SamplingSettings) -> torch.Tensor:
        drawn = draw(rows, eos_id, sampling)
        drawn[::3] = partial_selection.UNSURE
        return drawn

    def watched(self: device_sampler.DeviceSampler, *inputs: object) -> object:
        asked.append(True)
        return exact(self, *inputs)  # type: ignore[arg-type]

    monkeypatch.setattr(device_sampler, "draw_among_few", sometimes)
    monkeypatch.setattr(device_sampler.DeviceSampler, "_draw_exactly", watched)
    assert own.sample(images, range(COUNT)) == expected
    assert asked


def test_greedy_steps_at_fixed_sizes(images: list[Image]) -> None:
    assert captioner(captures=True).decode_greedy(images) == captioner(captures=False).decode_greedy(images)


def test_sizes_are_near_to_what_is_needed() -> None:
    assert node_sizes(100) == (8, 16, 32, 64, 96, 100)
    assert node_sizes(8) == (8,)
    assert image_sizes(64) == (8, 16, 24, 32, 40, 48, 56, 64)
    assert image_sizes(3) == (3,)


def test_an_image_takes_forty_megabytes_where_it_took_ninety_four() -> None:
    """Counted on tensors of the full size that hold nothing."""
    with torch.device("meta"):
        model = blip_large()
    nn.Module.to(model, torch.bfloat16)
    sampling = SamplingSettings()
    own = Workspace(TextDecoder(model.text_decoder), sampling, 49, 102)
    cache, step = own.fit(128, 577, Work.DRAWING)
    assert (cache.self_kv.nbytes + cache.cross_kv.nbytes) / 128 < 40e6
    assert step.draws is not None

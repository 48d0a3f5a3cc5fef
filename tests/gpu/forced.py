"""Logits of a captioner whose lanes are told what they draw, so that runs can be compared step by step."""

from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from workers.captions import ModelInputs
from workers.cascade.blip.captioner import BlipCaptioner
from workers.cascade.sampling.nodes import Numbers
from workers.cascade.sampling.samplers import Lanes

STEPS = 5


def forced_logits(
    captioner: BlipCaptioner, inputs: Sequence[ModelInputs], images: int, lanes: int
) -> list[Tensor]:
    """Of each step, float32 [nodes, vocabulary]; lanes of an image differ from the first token on."""
    pixels = [inputs[number % len(inputs)].captioner for number in range(images)]
    seen: list[Tensor] = []
    captioner.generate(captioner.encode_images(pixels), [STEPS] * lanes, _forced(seen, lanes))
    return seen


def _forced(seen: list[Tensor], lanes: int) -> Callable[[Tensor, Numbers, int, Lanes], Numbers]:
    def choose(logits: Tensor, tokens: Numbers, step: int, own: Lanes) -> Numbers:
        del tokens
        seen.append(logits.float().clone())
        return np.asarray(10 + (own.numbers % lanes + step) % 50)

    return choose

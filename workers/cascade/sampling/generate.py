"""The generation loop over tokens."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from workers.cascade.sampling.nodes import Numbers, keep_places, separate, split
from workers.cascade.sampling.samplers import NOT_FINITE, Lanes, Outcome, Sampler


class Decoder(Protocol[Outcome]):
    """A language model with a key/value cache of its nodes; at first one node an image.

    It hands out logits, float [nodes, vocabulary], or what a device has drawn from them.
    """

    logits: Outcome  # after the prompt, of each image

    def step(self, tokens: Numbers, parents: Numbers) -> Outcome:
        """Append `tokens` [nodes] to the nodes `parents` [nodes]; logits of each.

        A parent that is named several times is copied; an unnamed one is dropped.
        """


def generate(
    decoder: Decoder[Outcome],
    prompt: Numbers,
    limits: Numbers,
    sampler: Sampler[Outcome],
    *,
    share: bool = True,
    meanwhile: Callable[[], None] = lambda: None,
) -> list[list[int]]:
    """New tokens of each lane, without prompt and end-of-sequence token; [NOT_FINITE] of a broken one.

    Args:
        decoder: prefilled with the prompt for each image.
        prompt: [length].
        limits: most new tokens of each lane, [lanes of all images].
        sampler: of the next token of each lane.
        share: compute lanes with the same prefix once; the texts are the same without.
        meanwhile: called at each step after its launch: what it launches runs while the host handles draws.
    """
    images = len(decoder.logits)
    numbers = np.arange(len(limits))
    lanes = Lanes(numbers, numbers * images // len(limits))
    logits, tokens = decoder.logits, np.tile(prompt, (images, 1))
    texts: list[list[int]] = [[] for _ in limits]
    for step in range(int(limits.max())):
        drawn = sampler(logits, tokens, step, lanes)  # the only synchronisation of a step with the device
        for lane in lanes.numbers[drawn == NOT_FINITE].tolist():
            texts[lane] = [NOT_FINITE]
        lanes, drawn = lanes.select(drawn >= 0), drawn[drawn >= 0]
        for lane, token in zip(lanes.numbers.tolist(), drawn.tolist(), strict=True):
            texts[lane].append(token)
        unfinished = limits[lanes.numbers] > step + 1
        lanes, drawn = lanes.select(unfinished), drawn[unfinished]
        if len(drawn) == 0:
            break
        parents, new, nodes = (split if share else separate)(lanes.nodes, drawn)
        places = keep_places(parents)
        order = np.argsort(places)
        parents, new, nodes = parents[order], new[order], places[nodes]
        tokens = np.column_stack([tokens[parents], new])
        logits, lanes = decoder.step(new, parents), Lanes(lanes.numbers, nodes)
        meanwhile()
    return texts

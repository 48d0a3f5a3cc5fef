"""The loop over tokens, with a language model small enough to be read."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from common.settings import SamplingSettings
from workers.cascade.sampling import rules
from workers.cascade.sampling.generate import generate
from workers.cascade.sampling.nodes import Numbers
from workers.cascade.sampling.samplers import EOS, Lanes, Sampler, greedy_sampler, random_sampler

END, VOCABULARY = 0, 6
PROMPT = np.array([5])
CPU = torch.device("cpu")


class Chain:
    """A Markov chain: the next token depends on the last one and on the image.

    It keeps what its nodes hold, as a key/value cache does, so that a wrong parent shows.
    """

    def __init__(self, table: Tensor, images: Sequence[int]) -> None:
        self.table = table  # logits [images, VOCABULARY, VOCABULARY]
        self.images = np.array(images)
        self.logits = table[self.images, PROMPT[-1]]
        self.steps: list[int] = []  # nodes of each

    def step(self, tokens: Numbers, parents: Numbers) -> Tensor:
        self.images = self.images[parents]
        self.steps.append(len(tokens))
        return self.table[self.images, tokens]


def table(images: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.randn(images, VOCABULARY, VOCABULARY, generator=generator, dtype=torch.float64)


def scripted(*steps: list[int]) -> tuple[list[list[int]], Chain]:
    """Texts of three lanes of one image whose draws are given step by step for the lanes still alive."""
    decoder = Chain(table(1), [0])
    draws = iter(steps)

    def sampler(logits: Tensor, tokens: Numbers, step: int, lanes: Lanes) -> Numbers:
        drawn = next(draws)
        assert len(lanes.numbers) == len(drawn)
        assert len(logits) == len(tokens) == lanes.nodes.max() + 1
        assert tokens.shape[1] == len(PROMPT) + step
        return np.array(drawn)

    return generate(decoder, PROMPT, np.array([2, 3, 3]), sampler), decoder


def test_lanes_end_by_choice_or_by_limit() -> None:
    texts, _ = scripted([1, 2, 3], [4, 1, EOS], [3])
    assert texts == [[1, 4], [2, 1, 3], [3]]


def test_every_lane_may_end_at_the_first_step() -> None:
    texts, decoder = scripted([EOS] * 3)
    assert texts == [[], [], []]
    assert decoder.steps == []


def test_lanes_with_one_prefix_are_computed_once() -> None:
    texts, decoder = scripted([1, 1, 1], [2, 2, 3], [4, 5])
    assert texts == [[1, 2], [1, 2, 4], [1, 3, 5]]
    assert decoder.steps == [1, 2]


def test_greedy_takes_the_likeliest_until_the_end() -> None:
    logits = torch.full((1, VOCABULARY, VOCABULARY), -9.0)
    for last, then in ((5, 3), (3, 1), (1, END)):
        logits[0, last, then] = 9
    assert generate(Chain(logits, [0]), PROMPT, np.array([9]), greedy_sampler(END)) == [[3, 1]]


FREE = SamplingSettings(
    lanes=4, top_p=1, top_k=0, repetition_penalty=1, min_tokens=0, max_tokens=(4, 9), end_probability=None
)
LIMITS = [4, 4, 9, 9]


def sample(
    keys: list[int], sampling: SamplingSettings, images: Sequence[int], *, share: bool = True
) -> list[list[int]]:
    decoder, limits = Chain(table(3), images), np.array(LIMITS * len(keys))
    return generate(decoder, PROMPT, limits, random_sampler(keys, END, sampling, CPU), share=share)


def test_company_and_order_do_not_change_a_text() -> None:
    keys = [11, 2**63 + 5, 13]
    together = sample(keys, FREE, [0, 1, 2])
    alone = [text for image, key in enumerate(keys) for text in sample([key], FREE, [image])]
    backwards = sample(keys[::-1], FREE, [2, 1, 0])
    assert together == alone == backwards[8:] + backwards[4:8] + backwards[:4]


RULES = {
    "free": FREE,
    "the original's": FREE.model_copy(update={"top_p": 0.6, "top_k": 4, "repetition_penalty": 1.3}),
    "forced ends": FREE.model_copy(update={"end_probability": 0.3}),
}


@pytest.mark.parametrize("name", RULES)
def test_sharing_changes_no_text(name: str) -> None:
    keys = list(range(40))
    shared = sample(keys, RULES[name], [0, 1] * 20)
    assert shared == sample(keys, RULES[name], [0, 1] * 20, share=False)
    assert len({tuple(text) for text in shared}) > 10


def test_a_lane_that_is_forced_to_end_at_its_second_step() -> None:
    """After token 1 the end is likely: lanes that drew it hold nothing more, the next draw is discarded."""
    chain = Chain(torch.zeros(1, VOCABULARY, VOCABULARY, dtype=torch.float64), [0])
    chain.table[0, 1, END] = 3  # a probability of 0.8, elsewhere 1/6
    forced = FREE.model_copy(update={"end_probability": 0.5, "min_tokens": 9, "lanes": 40})
    texts = {}
    for share in (True, False):
        chain.images = np.array([0])
        sampler = random_sampler([3], END, forced, CPU)
        texts[share] = generate(chain, PROMPT, np.full(40, 9), sampler, share=share)
    assert texts[True] == texts[False]
    assert [1] in texts[True]
    assert all(1 not in text[:-1] for text in texts[True])


def test_lanes_keys_and_seeds_differ() -> None:
    texts = sample([1, 2], FREE, [0, 0])
    assert len({tuple(text) for text in texts}) >= 4
    assert texts[:4] != texts[4:]
    assert texts != sample([1, 2], FREE.model_copy(update={"seed": 1}), [0, 0])


def test_minimum_limit_and_forced_end_hold() -> None:
    limited = FREE.model_copy(update={"min_tokens": 3})
    lengths = [len(text) for key in range(50) for text in sample([key], limited, [0])]
    assert min(lengths) >= 3
    assert max(lengths[0::4] + lengths[1::4]) == 4
    forced = FREE.model_copy(update={"min_tokens": 3, "end_probability": 0.001})
    assert min(len(text) for key in range(50) for text in sample([key], forced, [0])) < 3


def chi_square(sampling: SamplingSettings, expected: Tensor, sampler: Sampler[Tensor] | None = None) -> float:
    """Of the first tokens of 4,000 images against probabilities [VOCABULARY]; no token is END."""
    images = 4000
    single = sampling.model_copy(update={"lanes": 1, "max_tokens": (1,)})
    sampler = sampler or random_sampler(list(range(images)), END, single, CPU)
    texts = generate(Chain(table(3), [0] * images), PROMPT, np.ones(images, np.int64), sampler)
    counts = torch.bincount(torch.tensor([text[0] if text else END for text in texts]), minlength=VOCABULARY)
    allowed = expected > 0
    assert counts[~allowed].sum() == 0
    wanted = images * expected[allowed]
    return float(((counts[allowed] - wanted) ** 2 / wanted).sum())


CRITICAL = 20.5  # 99.9 % of chi-square with 5 degrees of freedom


def test_draws_follow_the_distribution_by_chi_square() -> None:
    assert chi_square(FREE, table(3)[0, PROMPT[-1]].softmax(-1)) < CRITICAL


def test_a_wrong_distribution_fails_the_chi_square() -> None:
    warmer = FREE.model_copy(update={"temperature": 1.15})
    assert chi_square(warmer, table(3)[0, PROMPT[-1]].softmax(-1)) > CRITICAL


def test_an_early_end_on_processed_logits_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deliberate error: with the end masked for the minimum of tokens no lane would be forced to end."""
    forced = FREE.model_copy(update={"min_tokens": 9, "end_probability": 0.05})
    keys = list(range(20))
    right = sample(keys, forced, [0] * 20)
    process, ends = rules.process_logits, rules.end_early
    shaped: list[Tensor] = []

    def remember(logits: Tensor, *rest: Any) -> Tensor:
        shaped.append(process(logits, *rest))
        return shaped[-1]

    monkeypatch.setattr(rules, "process_logits", remember)
    monkeypatch.setattr(rules, "end_early", lambda _, end, threshold: ends(shaped[-1], end, threshold))
    wrong = sample(keys, forced, [0] * 20)
    assert {len(text) for text in wrong} == {4, 9}
    assert min(len(text) for text in right) < 4

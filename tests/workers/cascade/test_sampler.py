"""The loop over tokens, with a language model small enough to be read."""

from collections.abc import Sequence

import torch
from torch import Tensor

from common.settings import SamplingSettings
from workers.cascade.sampler import Choice, greedy, key_tensor, sampled, write

END, VOCABULARY = 0, 6
PROMPT = torch.tensor([5])


class Chain:
    """A Markov chain: the next token depends on the last one and on the row's own offset.

    It keeps what its rows hold, as a key/value cache does, so that a wrong selection of rows shows.
    """

    def __init__(self, table: Tensor, offsets: Sequence[int]) -> None:
        self.table = table  # logits [offsets, VOCABULARY, VOCABULARY]
        self.offsets = torch.tensor(offsets)
        self.logits = table[self.offsets, PROMPT[-1]]

    def step(self, tokens: Tensor, rows: Tensor) -> Tensor:
        self.offsets = self.offsets[rows]
        return self.table[self.offsets, tokens]


def chain(lanes: int, images: int, seed: int = 0) -> Chain:
    table = 2 * torch.randn(images, VOCABULARY, VOCABULARY, generator=torch.Generator().manual_seed(seed))
    return Chain(table, [image for image in range(images) for _ in range(lanes)])


def scripted(*steps: tuple[list[int], list[int]]) -> list[list[int]]:
    """Texts of rows whose drawn tokens, and ends, are given step by step for the rows still alive."""
    decoder = chain(lanes=1, images=len(steps[0][0]))
    choices = iter(steps)

    def choose(logits: Tensor, tokens: Tensor, step: int, alive: Tensor) -> Choice:
        drawn, ended = next(choices)
        assert len(logits) == len(tokens) == len(alive) == len(drawn)
        return Choice(torch.tensor(drawn), torch.tensor(ended, dtype=torch.bool))

    limits = torch.tensor([2, 3, 3])
    return write(decoder, decoder.logits, PROMPT, limits, choose)


def test_rows_end_by_choice_or_by_limit() -> None:
    texts = scripted(([1, 2, 3], [0, 0, 0]), ([4, 1, 1], [0, 0, 1]), ([3], [0]))
    assert texts == [[1, 4], [2, 1, 3], [3]]


def test_the_draw_of_an_ended_row_is_discarded_also_at_the_first_step() -> None:
    assert scripted(([1, 2, 3], [1, 1, 1])) == [[], [], []]


def test_greedy_takes_the_likeliest_until_the_end() -> None:
    table = torch.full((1, VOCABULARY, VOCABULARY), -9.0)
    for last, then in ((5, 3), (3, 1), (1, END)):
        table[0, last, then] = 9
    decoder = Chain(table, [0])
    assert write(decoder, decoder.logits, PROMPT, torch.tensor([9]), greedy(END)) == [[3, 1]]


FREE = SamplingSettings(
    lanes=4, top_p=1, top_k=0, repetition_penalty=1, min_tokens=0, max_tokens=(4, 9), end_probability=None
)


def sample(keys: list[int], sampling: SamplingSettings, images: Sequence[int]) -> list[list[int]]:
    whole = chain(sampling.lanes, images=3)
    decoder = Chain(whole.table, [image for image in images for _ in range(sampling.lanes)])
    limits = torch.tensor([4, 4, 9, 9]).repeat(len(keys))
    return write(
        decoder, decoder.logits, PROMPT, limits, sampled(key_tensor(keys, PROMPT.device), END, sampling)
    )


def test_company_and_order_do_not_change_a_text() -> None:
    keys = [11, 2**63 + 5, 13]
    together = sample(keys, FREE, [0, 1, 2])
    alone = [text for image, key in enumerate(keys) for text in sample([key], FREE, [image])]
    backwards = sample(keys[::-1], FREE, [2, 1, 0])
    assert together == alone == backwards[8:] + backwards[4:8] + backwards[:4]


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


def test_first_tokens_follow_the_distribution_by_chi_square() -> None:
    first_only = FREE.model_copy(update={"lanes": 1, "max_tokens": (1,)})
    whole = chain(1, images=3)
    images = 4000
    decoder = Chain(whole.table, [0] * images)
    choose = sampled(key_tensor(list(range(images)), PROMPT.device), END, first_only)
    texts = write(decoder, decoder.logits, PROMPT, torch.ones(images, dtype=torch.int64), choose)
    counts = torch.bincount(torch.tensor([text[0] if text else END for text in texts]), minlength=VOCABULARY)
    expected = images * whole.logits[0].softmax(-1)
    assert ((counts - expected) ** 2 / expected).sum() < 20.5  # 99.9 % with 5 degrees of freedom

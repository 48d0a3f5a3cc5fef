"""Draws among the likeliest few against the whole rules: the same tokens, or the row says it cannot tell."""

import pytest
import torch
from torch import Tensor

from common.settings import SamplingSettings
from workers.cascade.sampling import rules
from workers.cascade.sampling.partial_selection import FEW, UNSURE, Rows, draw_among_few, is_selective
from workers.cascade.sampling.samplers import EOS, NOT_FINITE

END, LANES, PROMPT = 102, 40, 4
DEFAULTS = SamplingSettings()
SETTINGS = {
    "the original's": DEFAULTS,
    "all tokens": DEFAULTS.model_copy(update={"top_k": 0, "top_p": 0.9, "end_probability": None}),
    "few tokens": DEFAULTS.model_copy(update={"top_k": 3, "top_p": 1.0, "repetition_penalty": 1.0}),
    "warm": DEFAULTS.model_copy(update={"temperature": 1.7, "top_k": 600, "top_p": 0.6}),
}


def rows(count: int, spread: float, *, written: int = 7, vocabulary: int = 30_524, seed: int = 0) -> Rows:
    """Logits of a language model's spread, tokens so far padded with the first."""
    dice = torch.Generator().manual_seed(seed)
    logits = spread * torch.randn(count, vocabulary, generator=dice)
    logits[: count // 4, END] = logits[: count // 4].amax(-1)  # the end is near
    tokens = torch.randint(0, vocabulary, (count, PROMPT + 45), generator=dice)
    tokens[:, PROMPT + written :] = tokens[:, :1]
    uniforms = 1 - torch.rand(count, LANES, generator=dice, dtype=torch.float64)
    return Rows(logits, tokens, torch.tensor([written]), uniforms)


def by_whole_rules(own: Rows, sampling: SamplingSettings) -> Tensor:
    written = int(own.written)
    tokens = own.tokens[:, : PROMPT + written]
    shaped = rules.process_logits(own.logits, tokens, written, END, sampling)
    drawn = rules.draw(shaped, own.uniforms)
    over = rules.end_early(own.logits, END, sampling.end_probability)[:, None]
    return torch.where(over | (drawn == END), EOS, drawn)


@pytest.mark.parametrize("spread", [3.0, 6.0])
@pytest.mark.parametrize("name", SETTINGS)
def test_the_same_random_numbers_draw_the_same_tokens(name: str, spread: float) -> None:
    """12,800 draws each; the original's settings again over a hundred thousand in the long form."""
    sampling = SETTINGS[name]
    own = rows(320, spread)
    found, expected = draw_among_few(own, END, sampling), by_whole_rules(own, sampling)
    sure = found != UNSURE
    assert torch.equal(found[sure], expected[sure])
    assert sure.float().mean() > (0.95 if spread > 5 or name != "all tokens" else 0)
    assert (found == EOS).any()


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_a_hundred_thousand_draws_are_the_same(seed: int) -> None:
    own = rows(320, 3 + seed / 2, seed=seed + 1)
    assert torch.equal(draw_among_few(own, END, DEFAULTS), by_whole_rules(own, DEFAULTS))


def test_the_end_cannot_be_drawn_too_early() -> None:
    own = rows(64, 6.0, written=4)
    sampling = DEFAULTS.model_copy(update={"end_probability": None})
    assert not (draw_among_few(own, END, sampling) == EOS).any()
    late = rows(64, 6.0, written=5)
    assert (draw_among_few(late, END, sampling) == EOS).any()


def test_flat_logits_are_unsure_and_a_small_vocabulary_never_is() -> None:
    flat = rows(8, 0.01)
    assert (draw_among_few(flat, END, SETTINGS["all tokens"]) == UNSURE).all()
    small = rows(8, 0.01, vocabulary=FEW)
    found = draw_among_few(small, END, SETTINGS["all tokens"])
    assert torch.equal(found, by_whole_rules(small, SETTINGS["all tokens"]))


def test_ties_are_kept_together() -> None:
    own = rows(1, 3.0, written=0)
    tied = own.logits.masked_fill(own.logits > own.logits.topk(100).values[:, -1:], 0).sub(50)
    tied[:, 1000:1300] = 40.0
    own = Rows(tied, own.tokens[:, :PROMPT].fill_(5), own.written, own.uniforms)
    found = draw_among_few(own, END, DEFAULTS)
    assert torch.equal(found, by_whole_rules(own, DEFAULTS))
    assert len(set(found[0].tolist())) > 20
    tied[:, 1000:2000] = 40.0  # more than the few that are looked at
    assert (draw_among_few(own, END, DEFAULTS) == UNSURE).all()


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_row_that_is_not_finite_harms_no_other(value: float) -> None:
    own = rows(4, 6.0)
    clean = draw_among_few(own, END, DEFAULTS)
    own.logits[2, 17] = value
    found = draw_among_few(own, END, DEFAULTS)
    assert (found[2] == NOT_FINITE).all()
    others = [0, 1, 3]
    assert torch.equal(found[others], clean[others])


def test_only_rules_that_leave_few_tokens_are_selective() -> None:
    assert is_selective(DEFAULTS)
    assert is_selective(DEFAULTS.model_copy(update={"top_p": 1.0, "top_k": 5}))
    assert not is_selective(DEFAULTS.model_copy(update={"top_p": 1.0, "top_k": 0}))

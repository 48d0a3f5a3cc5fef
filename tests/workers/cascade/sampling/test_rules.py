"""The rules of sampling against the logits processors of transformers, and the original's meaning of each."""

import pytest
import torch
from torch import Tensor
from transformers import (
    LogitsProcessor,
    LogitsProcessorList,
    MinNewTokensLengthLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from common.settings import SamplingSettings
from workers.cascade.sampling import rules

VOCABULARY, END, PROMPT_LENGTH = 300, 7, 4


def recorded(rows: int, written: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Logits [rows, VOCABULARY] of a sharpness as captioners have it, and tokens [rows, prompt + written]."""
    generator = torch.Generator().manual_seed(seed)
    logits = 4 * torch.randn(rows, VOCABULARY, generator=generator)
    tokens = torch.randint(VOCABULARY, (rows, PROMPT_LENGTH + written), generator=generator)
    return logits, tokens


def reference(logits: Tensor, tokens: Tensor, sampling: SamplingSettings) -> Tensor:
    processors: list[LogitsProcessor] = [
        MinNewTokensLengthLogitsProcessor(PROMPT_LENGTH, sampling.min_tokens, END, device="cpu"),
        RepetitionPenaltyLogitsProcessor(sampling.repetition_penalty),
        TemperatureLogitsWarper(float(sampling.temperature)),
        TopKLogitsWarper(sampling.top_k),
        TopPLogitsWarper(sampling.top_p),
    ]
    scores: Tensor = LogitsProcessorList(processors)(tokens, logits.clone())  # type: ignore[arg-type]
    return scores.softmax(-1)


SETTINGS = {
    "the original's": SamplingSettings(top_k=97),
    "narrow": SamplingSettings(top_k=5, top_p=0.9, repetition_penalty=1.1, min_tokens=0),
    "free": SamplingSettings(top_k=200, top_p=0.99, temperature=1.7, repetition_penalty=2.0),
}


def ours(logits: Tensor, tokens: Tensor, written: int, sampling: SamplingSettings) -> Tensor:
    return rules.process_logits(logits, tokens, written, END, sampling).softmax(-1)


@pytest.mark.parametrize("written", [0, 4, 5, 11])
@pytest.mark.parametrize("name", SETTINGS)
def test_distributions_equal_those_of_transformers(name: str, written: int) -> None:
    logits, tokens = recorded(1000, written)
    expected = reference(logits, tokens, SETTINGS[name])
    found = ours(logits, tokens, written, SETTINGS[name])
    assert torch.allclose(found, expected, atol=1e-6)


def test_deliberate_errors_are_seen() -> None:
    sampling = SETTINGS["the original's"]
    logits, tokens = recorded(1000, 6)
    expected = reference(logits, tokens, sampling)
    wider = sampling.model_copy(update={"top_p": sampling.top_p + 0.02})
    assert torch.allclose(ours(logits, tokens, 6, sampling), expected, atol=1e-6)
    assert not torch.allclose(ours(logits, tokens, 6, wider), expected, atol=1e-6)
    assert not torch.allclose(ours(logits, tokens[:, PROMPT_LENGTH:], 6, sampling), expected, atol=1e-6)


def test_top_p_before_top_k_is_seen() -> None:
    sampling = SETTINGS["narrow"]
    logits, tokens = recorded(1000, 6)
    expected = reference(logits, tokens, sampling)
    assert torch.allclose(ours(logits, tokens, 6, sampling), expected, atol=1e-6)
    penalised = rules.penalise_repetition(logits, tokens, sampling.repetition_penalty)
    ranked = rules.keep_top_p(rules.top_k_logits(penalised, 0), sampling.top_p)[:, : sampling.top_k]
    swapped = rules.forbid_below(penalised, rules.lowest_kept(ranked)).softmax(-1)
    assert not torch.allclose(swapped, expected, atol=1e-6)


def test_top_k_logits_is_sorted_and_forbids_nothing_itself() -> None:
    logits, _ = recorded(3, 0)
    assert torch.equal(rules.top_k_logits(logits, 0), logits.sort(descending=True).values)
    assert torch.equal(rules.top_k_logits(logits, 7), logits.topk(7).values)
    assert torch.equal(rules.top_k_logits(logits, VOCABULARY + 1), logits.sort(descending=True).values)


def test_equal_logits_are_kept_or_cut_together() -> None:
    logits = torch.tensor([[1.0, 3.0, 2.0, 3.0, 2.0]])
    ranked = rules.keep_top_p(rules.top_k_logits(logits, 0), 0.3)
    kept = rules.forbid_below(logits, rules.lowest_kept(ranked))
    assert (kept > -torch.inf).tolist() == [[False, True, False, True, False]]


def test_end_token_is_forbidden_for_the_minimum_of_new_tokens_only() -> None:
    logits, tokens = recorded(8, 5)
    logits[:, END] = 100
    free = SamplingSettings(min_tokens=5, top_p=1, top_k=0, repetition_penalty=1)
    assert (ours(logits, tokens[:, :-1], 4, free)[:, END] == 0).all()
    assert (ours(logits, tokens, 5, free)[:, END] > 0.99).all()


def test_everything_is_kept_where_nothing_is_asked() -> None:
    logits, tokens = recorded(8, 3)
    free = SamplingSettings(min_tokens=0, top_p=1, top_k=0, repetition_penalty=1)
    assert torch.equal(rules.process_logits(logits, tokens, 3, END, free), logits)


def test_end_early_reads_the_unprocessed_probability() -> None:
    logits = torch.zeros(2, 4)
    logits[0, 3] = 0.5  # 0.355 of end
    assert rules.end_early(logits, 3, 0.3).tolist() == [True, False]
    assert rules.end_early(logits, 3, None).tolist() == [False, False]
    penalised = rules.penalise_repetition(logits, torch.tensor([[3], [3]]), 10.0)
    assert rules.end_early(penalised, 3, 0.3).tolist() == [False, False]


def test_end_early_is_that_of_the_softmax() -> None:
    logits, _ = recorded(1000, 0)
    assert torch.equal(rules.end_early(logits, END, 0.01), logits.softmax(-1)[:, END] > 0.01)


def test_lane_limits_are_dealt_out_evenly_in_order() -> None:
    assert rules.lane_limits(40, (20, 30, 30, 45, 45)) == [20] * 8 + [30] * 16 + [45] * 16
    assert rules.lane_limits(3, (4, 9)) == [4, 4, 9]
    assert rules.lane_limits(1, (4, 9)) == [4]


def test_draws_follow_the_distribution() -> None:
    probabilities = torch.tensor([0.0, 0.4, 0.0, 0.1, 0.5, 0.0])
    count = 100_000
    uniforms = (torch.arange(count, dtype=torch.float64) + 1) / count  # every one once
    drawn = rules.draw(probabilities.log()[None], uniforms[None])
    assert torch.bincount(drawn[0], minlength=6).tolist() == pytest.approx(
        [0, 40_000, 0, 10_000, 50_000, 0], abs=2
    )


def test_extreme_draws_never_hit_a_forbidden_token() -> None:
    logits = torch.tensor([[-torch.inf, 1.0, -torch.inf, 2.0, -torch.inf]])
    assert rules.draw(logits, torch.tensor([[2.0**-53, 1.0]], dtype=torch.float64)).tolist() == [[1, 3]]

"""The settings of the sampler: a run's captions depend on each of them."""

from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from common.settings.fields import EmptyIsNone, Group, Lengths, Probability


class SamplingSettings(Group):
    """How captions are drawn and chosen; lengths are in tokens.

    The defaults are those of the original LAION-COCO script.
    """

    lanes: PositiveInt = Field(40, description="captions sampled for each image")
    shortlist: PositiveInt = Field(5, description="captions that the ranker hands to the selector")
    prompt: str = Field("a picture of ", description="beginning of every caption, removed from the result")
    top_k: NonNegativeInt = Field(9607, description="draw among this many tokens; 0 is all of them")
    top_p: Probability = Field(
        0.2427, description="draw among the likeliest tokens of this total probability"
    )
    temperature: PositiveFloat = Field(1.0, description="divides the logits before top-k and top-p")
    repetition_penalty: PositiveFloat = Field(1.3, description="against tokens so far, prompt included")
    min_tokens: NonNegativeInt = Field(5, description="the end token cannot be drawn before this many tokens")
    max_tokens: Lengths = Field(
        (20, 30, 30, 45, 45), description="longest captions in new tokens; the lanes are dealt out evenly"
    )
    end_probability: Annotated[Probability | None, EmptyIsNone] = Field(
        0.1794, description="a lane ends at once where the model's own end probability exceeds this"
    )
    seed: NonNegativeInt = Field(0, description="the same seed, part and row give the same captions")

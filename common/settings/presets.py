"""The named sets of three models, each with the sampling settings it was made for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Preset:
    """Three model names (hub id, `hub-id@revision`, or `toy/...`) and sampling defaults."""

    captioner: str
    ranker: str
    selector: str
    sampling: Mapping[str, Any] = field(default_factory=dict)


FAKE = "fake"
"""No models at all: captions are made up at once, for tests of the fleet around them."""

PRESETS: Mapping[str, Preset] = {
    "laion-coco": Preset(
        captioner="Salesforce/blip-image-captioning-large",
        ranker="timm/vit_large_patch14_clip_224.openai",
        selector="timm/resnet50x64_clip.openai",
    ),
    "toy": Preset(
        captioner="toy/captioner",
        ranker="toy/ranker",
        selector="toy/selector",
        sampling={  # freer than the original's: the toy captioner is so sure that its 40 would be one
            "top_p": 0.95,
            "top_k": 0,
            "temperature": 2.2,
            "repetition_penalty": 1.0,  # "a ... a ..." is no fault
            "min_tokens": 3,
            "max_tokens": (10,),
            "end_probability": 0.5,
        },
    ),
    FAKE: Preset(captioner="fake/captioner", ranker="fake/ranker", selector="fake/selector"),
}

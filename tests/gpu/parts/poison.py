"""One image's features are not finite: the others keep their captions, and so does the next pass."""

from collections.abc import Sequence
from unittest.mock import patch

import torch

from tests.gpu.report import Report
from tests.gpu.toys import toy_cascade, toy_inputs
from workers.captions import Captions
from workers.cascade.blip.captioner import BlipCaptioner

IMAGES, POISONED = 4, 2


def check(device: torch.device, report: Report) -> None:
    cascade = toy_cascade(str(device), lanes=8)
    captioner = cascade.captioner
    assert isinstance(captioner, BlipCaptioner)
    inputs = toy_inputs(cascade, IMAGES)
    clean = cascade.caption(inputs, range(IMAGES))
    encode = captioner.encode_images

    @torch.inference_mode()
    def poisoned(images: Sequence[object]) -> torch.Tensor:
        features = encode(images)  # type: ignore[arg-type]
        features[POISONED] = float("nan")
        return features

    with patch.object(captioner, "encode_images", poisoned):
        found = cascade.caption(inputs, range(IMAGES))
    fault = found[POISONED].fault
    report.require("fault", fault, is_good=(fault or "").startswith("non-finite"), rule="it has to be named")
    others = [number for number in range(IMAGES) if number != POISONED]
    same = all(found[number].top == clean[number].top for number in others)
    report.require("others_unchanged", same, is_good=same, rule="no other image may change")
    after = _tops(cascade.caption(inputs, range(IMAGES))) == _tops(clean)
    report.require("next_pass_clean", after, is_good=after, rule="nothing may be left behind")


def _tops(captions: Sequence[Captions]) -> list[str]:
    return [own.top for own in captions]

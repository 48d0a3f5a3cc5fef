"""What a pass would cost on a GPU: a prediction, `python -m tests.benchmarks.roofline --json -`.

The shipped cascade captions 64 images of the truthful workload on tensors that hold nothing. Its kernels
are counted and priced by the ceilings of `cards`; the host's own work is done for real and timed on one core,
at the pace of the host of the measurements. Both clocks side by side tell how long the device waits for the
host: `host_ms`. Images a second are 64,000 / (`device_ms` + `host_ms`), for one process. That pass is alone;
`overlapped_host_ms` is of one that another follows, whose image towers work behind its steps, and both once
more for a host that is slower, as one whose interpreter fetches and decodes meanwhile.
"""

import argparse
import json
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from open_clip import SimpleTokenizer
from torch import Tensor, nn

from common.settings import SamplingSettings
from tests.benchmarks import cascade_models as full
from tests.benchmarks import truthful, watching
from tests.benchmarks.cards import CARDS, MEASURED_MS, read_table
from tests.benchmarks.cascade import SIDES, preprocessing
from tests.benchmarks.cascade_ways import Models
from tests.benchmarks.kernels import Kernels, Table
from tests.benchmarks.timeline import Timeline
from tests.benchmarks.truthful import Truthful
from workers.captions import ModelInputs
from workers.cascade.cascade import Cascade
from workers.cascade.clip.clip import Clip
from workers.cascade.clip.inference import prepare_for_inference
from workers.cascade.clip.word_tokenizer import WordTokenizer

SAMPLING: Final = SamplingSettings()
IMAGES: Final = 64
TOKENISER_MS: Final = 39  # open_clip's own, 640 captions, on the host of the measurements
_META: Final = torch.device("meta")
_PASSES: Final = 2  # of the host's clock
_CAPTIONS: Final = 640
_IN_A_ROW: Final = 2  # passes; the last of them stands for all later ones
_SLOW: Final = 4  # times: an interpreter that is shared with downloads and decoders


class Unread(Clip):
    """Cosines that hold nothing are read as numbers that differ."""

    def _read(self, cosines: Tensor) -> list[float]:
        return list(np.random.default_rng(len(cosines)).random(len(cosines)).tolist())


def build() -> Cascade:
    """The cascade as the loader makes it for a GPU, at full size."""
    pixels = preprocessing()
    with _META:
        blip = full.blip_large()
    ranker, selector = (full.clip(name, "bf16", "meta") for name in ("ViT-L-14", "RN50x64"))
    nn.Module.to(blip, torch.bfloat16)
    for model in (ranker, selector):
        prepare_for_inference(model, torch.bfloat16)
    tokens = WordTokenizer(SimpleTokenizer())
    clips = [
        Unread(model, tokens, own, torch.bfloat16)
        for model, own in zip((ranker, selector), pixels[1:], strict=True)
    ]
    models = Models(blip, ranker, selector, truthful.word_tokenizer(), tokens, pixels, SAMPLING)
    captioner = Truthful(models)
    return Cascade(
        captioner,
        clips[0],
        clips[1],
        SAMPLING,
        "bfloat16",
        look_ahead=lambda images: captioner.look_ahead(images),  # noqa: PLW0108 - as it is then: watched
    )


def inputs() -> list[ModelInputs]:
    dice = np.random.default_rng(0)
    return [
        ModelInputs(*(dice.integers(0, 256, (side, side, 3), dtype=np.uint8) for side in SIDES))
        for _ in range(IMAGES)
    ]


def begin(cascade: Cascade) -> None:
    """The same pass again, in a process that has seen all words and not these texts."""
    captioner, ranker = cascade.captioner, cascade._ranker
    assert isinstance(captioner, Truthful)
    assert isinstance(ranker, Clip)
    captioner.release()  # steps that were counted would not be timed
    captioner.passes = 0
    ranker.tokenizer(list(truthful.words()))


def count(cascade: Cascade, images: list[ModelInputs]) -> Kernels:
    """Kernels of one pass, call by call."""
    begin(cascade)
    kernels = Kernels()
    with watching.device_calls(kernels.call), kernels:
        cascade.caption(images, range(IMAGES))
    return kernels


def caption_in_a_row(cascade: Cascade, images: list[ModelInputs]) -> Iterator[None]:
    """Passes that know the next one, as the flow hands them over; yields after each."""
    begin(cascade)
    waiting = [list(images) for _ in range(_IN_A_ROW + 1)]
    with ExitStack() as announced:
        for inputs in waiting:
            announced.enter_context(cascade.announce(inputs))
        for inputs in waiting[:-1]:
            cascade.caption(inputs, range(IMAGES))
            yield


def time_in_a_row(cascade: Cascade, images: list[ModelInputs], paces: Sequence[float]) -> list[float]:
    """How long an H200 waits for the host in the last of some passes, at each of the host's `paces`."""
    kernels = Kernels()
    with watching.device_calls(kernels.call), kernels:
        deque(caption_in_a_row(cascade, images), 0)
    durations = [(CARDS["H200"].milliseconds(own), own.total()) for _, own in kernels.calls]
    waits = []
    for own in paces:
        timeline = Timeline(own)
        with watching.Watch(timeline, durations).follow():
            idle = [timeline.idle for _ in caption_in_a_row(cascade, images)]
        waits.append(idle[-1] - idle[-2])
    return waits


def time_host(cascade: Cascade, images: list[ModelInputs], kernels: Kernels, pace: float) -> Timeline:
    """Both clocks over one pass on an H200, whose calls are those of `kernels`."""
    durations = [(CARDS["H200"].milliseconds(own), own.total()) for _, own in kernels.calls]
    begin(cascade)
    timeline = Timeline(pace)
    with watching.Watch(timeline, durations).follow():
        cascade.caption(images, range(IMAGES))
    return timeline


def pace() -> float:
    """How much faster the host of the measurements is, by open_clip's own tokeniser on this one."""
    tokenizer, texts = SimpleTokenizer(), truthful.captions(_CAPTIONS, seed=1)
    tokenizer(truthful.captions(_CAPTIONS, seed=0))  # it remembers words, as it did there
    began = time.thread_time()
    tokenizer(texts)
    return TOKENISER_MS / (1e3 * (time.thread_time() - began))


@torch.inference_mode()
def predict(*, in_a_row: bool = True) -> dict[str, Any]:
    """All figures; those of passes in a row are left out on demand, for they take most of the time."""
    cascade, images = build(), inputs()
    kernels, speed = count(cascade, images), pace()
    clocks = [time_host(cascade, images, kernels, speed) for _ in range(_PASSES)]
    best = min(clocks, key=lambda clock: clock.idle)  # the least disturbed
    host_ms = best.idle
    device_ms = {name: sum(map(card.milliseconds, kernels.table().values())) for name, card in CARDS.items()}
    return {
        "prediction": "from counted kernels and stated ceilings; no GPU took part",
        **totals(kernels.table()),
        "host_ms": round(host_ms, 2),
        "host_work_ms": round(best.host_work, 2),
        "cache_mb_per_image": round(cache_bytes(cascade) / IMAGES / 1e6, 1),
        **(predict_overlap(cascade, images, kernels, speed) if in_a_row else {}),
        "device_ms": {name: round(value, 1) for name, value in device_ms.items()},
        "images_per_second": {
            name: round(1e3 * IMAGES / (value + host_ms), 1) for name, value in device_ms.items()
        },
        "calibration": calibration(),
        "stages": {stage: describe(stage, kernels.table()) for stage in kernels.table()},
    }


def cache_bytes(cascade: Cascade) -> int:
    """Of keys and values of all images of the pass, as the decoder keeps them."""
    assert isinstance(cascade.captioner, Truthful)
    cache = cascade.captioner._workspace._cache
    assert cache is not None
    return cache.self_kv.nbytes + cache.cross_kv.nbytes


def predict_overlap(
    cascade: Cascade, images: list[ModelInputs], kernels: Kernels, pace: float
) -> dict[str, Any]:
    """What the host costs in a row of passes; and if it is slow, in and out of one."""
    usual, slow = time_in_a_row(cascade, images, [pace, _SLOW * pace])
    alone = time_host(cascade, images, kernels, _SLOW * pace).idle
    return {
        "overlapped_host_ms": round(usual, 2),
        f"{_SLOW}_times_slower_host_ms": {"alone": round(alone, 1), "overlapped": round(slow, 1)},
    }


def totals(table: Table) -> dict[str, float]:
    counts = [item for own in table.values() for item in own.items()]
    return {
        "tflop": round(sum(kernel.flop * times for kernel, times in counts) / 1e12, 6),
        "gigabytes": round(sum(kernel.bytes * times for kernel, times in counts) / 1e9, 1),
        "kernels": sum(times for _, times in counts),
    }


def describe(stage: str, table: Table) -> dict[str, Any]:
    device_ms = {name: round(card.milliseconds(table[stage]), 2) for name, card in CARDS.items()}
    return {**totals({stage: table[stage]}), "device_ms": device_ms}


def calibration() -> dict[str, float]:
    """The same ceilings over the counts of version 0.1, whose device time was measured."""
    found = sum(map(CARDS["H200"].milliseconds, read_table().values()))
    return {"predicted_ms": round(found, 1), "measured_ms": MEASURED_MS}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, default=Path("-"), help="where to write; - is standard output")
    options = parser.parse_args()
    torch.set_num_threads(1)
    result = json.dumps(predict(), indent=1) + "\n"
    if options.json == Path("-"):
        sys.stdout.write(result)
    else:
        options.json.write_text(result, encoding="utf-8")


if __name__ == "__main__":
    main()

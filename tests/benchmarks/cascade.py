"""How fast the cascade is: `python -m tests.benchmarks.cascade --json -`.

In one run, on one machine and the same inputs: ours, the usual pipeline and the original's way, at full size
with random weights. The workload is fixed: 40 lanes that differ from the first new token on (or 10, each
four times), 15 new tokens, texts of 16. Every ratio is that of two medians over alternating pairs.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from common.settings import SamplingSettings
from tests.benchmarks import cascade_models as full
from tests.benchmarks import cascade_truthful as truthful
from tests.benchmarks import cascade_ways as ways
from tests.benchmarks.cascade_truthful import TruthfulModels
from tests.benchmarks.cascade_ways import Inputs, Models, Scripted
from workers.captions import Image
from workers.cascade.cascade import Cascade
from workers.cascade.clip.clip import Clip
from workers.cascade.clip.text_tower import encode_texts
from workers.cascade.pixels import Fit, Preprocessing, Resampling

NEW_TOKENS = 15
SAMPLING = SamplingSettings(max_tokens=(NEW_TOKENS,), min_tokens=NEW_TOKENS, end_probability=None)
MEAN, STD = (0.48, 0.46, 0.41), (0.27, 0.26, 0.28)
GIGA, MEGA = 1e9, 1e6
BATCHES = (1, 2)
SIDES = (384, 224, 448)


@dataclass
class Clock:
    """Seconds of everything timed, by name, in the order of the runs."""

    device: torch.device
    seconds: dict[str, list[float]] = field(default_factory=dict)
    processor_seconds: dict[str, list[float]] = field(default_factory=dict)  # of all threads together

    def time(self, name: str, work: Callable[[], Any]) -> None:
        self._wait()
        began, processor_began = time.perf_counter(), time.process_time()
        work()
        self._wait()
        self.seconds.setdefault(name, []).append(time.perf_counter() - began)
        self.processor_seconds.setdefault(name, []).append(time.process_time() - processor_began)
        print(f"{name}: {self.seconds[name][-1]:.2f} s", file=sys.stderr, flush=True)

    def pairs(self, count: int, **works: Callable[[], Any]) -> None:
        """All of `works` in turn, `count` times."""
        for _ in range(count):
            for name, work in works.items():
                self.time(name, work)

    def median(self, name: str) -> float:
        return statistics.median(self.seconds[name])

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def preprocessing() -> Inputs:
    first, second, third = (Preprocessing(side, Fit.SQUASH, Resampling.BICUBIC, MEAN, STD) for side in SIDES)
    return first, second, third


def models(device: torch.device, dtype: torch.dtype) -> Models:
    blip, ranker, selector = full.blip_large(), full.clip("ViT-L-14"), full.clip("RN50x64")
    for model in (blip, ranker, selector):
        nn.Module.to(model, device, dtype)
    return Models(
        blip,
        ranker,
        selector,
        full.word_tokenizer(),
        full.fixed_length_tokens,
        preprocessing(),
        SAMPLING,
    )


def draw_images(count: int) -> list[Image]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (480, 640, 3)).astype(np.uint8) for _ in range(count)]


def caption(cascade: Cascade, images: list[Image]) -> None:
    cascade.caption([cascade.prepare(image) for image in images], range(len(images)))


def measure_decoder(clock: Clock, plain: Models, pairs: int, images: int) -> dict[str, float]:
    """From vision features of `images` to tokens; the usual pipeline at its better batch size."""
    features = plain.blip.vision_model(pixel_values=plain.pixels(0, draw_images(images))).last_hidden_state
    few, many = Scripted(plain), Scripted(replace(plain, distinct=plain.sampling.lanes))
    batch = best_batch(clock, plain, features[:2])
    clock.pairs(
        pairs,
        decode_usual=lambda: in_batches(plain, features, batch),
        decode_40=lambda: many.decode(features),
        decode_10=lambda: few.decode(features),
    )
    cross = few._workspace._cache.cross_kv if few._workspace._cache else torch.empty(0)
    return {
        "decode_usual_batch": batch,
        "decode_usual_images_per_second": round(images / clock.median("decode_usual"), 4),
        "crosskv_mb_per_image": round(cross.numel() // images * torch.bfloat16.itemsize / MEGA, 2),
    }


def best_batch(clock: Clock, plain: Models, features: Tensor) -> int:
    """Of 1 and 2 images at once, timed once each: 40 copies of keys and values are 1.7 GB an image."""
    for batch in BATCHES:
        clock.time(f"decode_usual_by_{batch}", partial(in_batches, plain, features, batch))
    return min(BATCHES, key=lambda batch: clock.median(f"decode_usual_by_{batch}"))


def in_batches(plain: Models, features: Tensor, batch: int) -> None:
    for first in range(0, len(features), batch):
        ways.usual_decode(plain, features[first : first + batch])


def measure_texts(clock: Clock, plain: Models, pairs: int, images: int) -> None:
    """The ranker's text tower for the captions of `images`."""
    captions = [caption for image in range(images) for caption in plain.captions(image)]
    on_host = plain.texts(captions)
    tokens = on_host.to(plain.device)
    clock.pairs(
        pairs,
        texts_one_by_one=lambda: [plain.ranker.encode_text(text[None]) for text in tokens[: plain.distinct]],
        texts_usual=lambda: plain.ranker.encode_text(tokens),
        texts=lambda: encode_texts(plain.ranker, on_host),
    )


def measure_towers(clock: Clock, plain: Models, cascade: Cascade, pairs: int, images: int) -> None:
    """The vision towers that ours changes, for the table."""
    pixels = [plain.pixels(which, draw_images(images)) for which in range(3)]
    captioner, selector = cascade.captioner, cascade._selector
    assert isinstance(captioner, Scripted)
    assert isinstance(selector, Clip)
    clock.pairs(
        pairs,
        blip_vision_usual=lambda: plain.blip.vision_model(pixel_values=pixels[0]),
        blip_vision=lambda: captioner.vision(pixel_values=pixels[0]),
        resnet_usual=lambda: plain.selector.encode_image(pixels[2]),
        resnet=lambda: selector._model.encode_image(pixels[2]),
    )


def measure_cascade(
    clock: Clock, plain: Models, cascade: Cascade, *, pairs: int, images: int, batch: int
) -> dict[str, float]:
    """From decoded images to captions; the original's way for one image."""
    some = draw_images(images)
    caption(cascade, some)  # once, to be fair to neither: the usual pipeline needs no room of its own
    clock.pairs(
        pairs,
        cascade_usual=lambda: ways.usual(plain, some, min(batch, images)),
        cascade=lambda: caption(cascade, some),
    )
    clock.pairs(pairs, cascade_original=lambda: ways.original(plain, some[:1]))
    return {
        "seconds_per_image": round(clock.median("cascade") / images, 3),
        "usual_seconds_per_image": round(clock.median("cascade_usual") / images, 3),
        "original_seconds_per_image": round(clock.median("cascade_original"), 3),
    }


def speedups(seconds: dict[str, list[float]], images: int) -> dict[str, float]:
    """The named ratios of medians; the original's way was timed for one of the `images`."""
    median = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        "decode_speedup_40_distinct": round(median["decode_usual"] / median["decode_40"], 2),
        "decode_speedup_10_distinct": round(median["decode_usual"] / median["decode_10"], 2),
        "text_speedup": round(median["texts_usual"] / median["texts"], 2),
        "cascade_speedup": round(median["cascade_usual"] / median["cascade"], 2),
        "original_speedup": round(median["cascade_original"] * images / median["cascade"], 2),
    }


def count_flop(cascade: Cascade) -> float:
    """GFLOP of one image among two, as torch's own counter sees them."""
    torch.backends.mha.set_fastpath_enabled(False)  # the counter does not know the fused operator
    with FlopCounterMode(display=False) as counter:
        caption(cascade, draw_images(2))
    torch.backends.mha.set_fastpath_enabled(True)
    return round(float(counter.get_total_flops()) / 2 / GIGA, 1)


def waterfall(clock: Clock, images: int) -> list[dict[str, Any]]:
    """Seconds an image as each technique is added, from the measured parts."""
    whole = clock.median("cascade_usual") / images
    steps = [("usual pipeline", whole)]
    for name, before, after, count in (
        ("images' keys and values once", "decode_usual", "decode_40", 4),
        ("one node for one prefix", "decode_40", "decode_10", 4),
        ("texts cut to the longest", "texts_usual", "texts", 2),
        ("fused attention in BLIP's vision tower", "blip_vision_usual", "blip_vision", images),
        ("ResNet folded, channels last", "resnet_usual", "resnet", images),
    ):
        whole -= (clock.median(before) - clock.median(after)) / count
        steps.append((name, whole))
    rows = [("original's way", clock.median("cascade_original")), *steps]
    rows.append(("ours, measured", clock.median("cascade") / images))
    return [{"technique": name, "seconds_per_image": round(seconds, 2)} for name, seconds in rows]


def on_a_gpu(plain: Models, cascade: Cascade, gflop: float, images: int = 64) -> dict[str, float]:
    """Images per second from decoded images, and the share of the card's measured matrix rate."""
    inputs = [cascade.prepare(image) for image in draw_images(images)]
    clock = Clock(plain.device)
    cascade.caption(inputs, range(images))
    clock.pairs(5, cascade=lambda: cascade.caption(inputs, range(images)))
    left = torch.randn(8192, 8192, device=plain.device, dtype=plain.blip.dtype)
    clock.pairs(5, product=lambda: [left @ left for _ in range(10)])
    rate = 10 * 2 * 8192**3 / clock.median("product") / GIGA
    per_second = images / clock.median("cascade")
    return {
        "images_per_second": round(per_second, 1),
        "matrix_gflop_per_second": round(rate),
        "share_of_matrix_rate": round(per_second * gflop / rate, 3),
    }


def build_truthful(device: torch.device, dtype: torch.dtype) -> TruthfulModels:
    blip = full.blip_large()
    nn.Module.to(blip, device, dtype)
    return truthful.build(blip, preprocessing())


def measure_truthful(
    clock: Clock, models: TruthfulModels, images: int, batches: Sequence[int]
) -> dict[str, float]:
    """Images a second as real captions make the work, after one pass that captures and remembers words."""
    cascade, some = truthful.ours(models), draw_images(images)
    inputs = [cascade.prepare(image) for image in some]
    cascade.caption(inputs, range(images))
    clock.pairs(3, truthful=lambda: cascade.caption(inputs, range(images)))
    cascade.captioner.release()
    for batch in batches:
        clock.time(f"truthful_usual_by_{batch}", partial(ways.usual, models, some, batch))
    usual = min(clock.median(f"truthful_usual_by_{batch}") for batch in batches)
    return {
        "truthful_images_per_second": round(images / clock.median("truthful"), 3),
        "truthful_usual_images_per_second": round(images / usual, 3),
    }


def machine(device: torch.device) -> dict[str, Any]:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    cpu = next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.machine())
    gpu = {"gpu": torch.cuda.get_device_name(device)} if device.type == "cuda" else {}
    return {"cpu": cpu, "cores": os.cpu_count(), "threads": torch.get_num_threads(), **gpu}


@torch.inference_mode()
def run(device: torch.device, pairs: int, images: int) -> dict[str, Any]:
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    clock, plain, load = Clock(device), models(device, dtype), os.getloadavg()[0]
    figures: dict[str, Any] = measure_decoder(clock, plain, pairs, 4)
    measure_texts(clock, plain, pairs, 2)
    cascade = ways.ours(plain)
    figures["gflop_per_image"] = count_flop(cascade)
    measure_towers(clock, plain, cascade, pairs, images)
    batch = int(figures["decode_usual_batch"])
    figures |= measure_cascade(clock, plain, cascade, pairs=pairs, images=images, batch=batch)
    figures |= speedups(clock.seconds, images)
    figures["by_processor_time"] = speedups(clock.processor_seconds, images)  # what other work slows least
    figures["table"] = waterfall(clock, images)
    figures |= truthful_figures(clock, truthful.build(plain.blip, plain.preprocessing), images)
    if device.type == "cuda":
        figures |= on_a_gpu(plain, cascade, figures["gflop_per_image"])
    return {**figures, "pairs": pairs, **describe(clock, dtype, load)}


@torch.inference_mode()
def run_truthful(device: torch.device, images: int) -> dict[str, Any]:
    """The truthful workload alone: minutes instead of half an hour."""
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    clock, load = Clock(device), os.getloadavg()[0]
    figures = truthful_figures(clock, build_truthful(device, dtype), images)
    return {**figures, **describe(clock, dtype, load)}


def truthful_figures(clock: Clock, models: TruthfulModels, images: int) -> dict[str, float]:
    """A GPU's pass has more images than a CPU's."""
    if clock.device.type == "cuda":
        return measure_truthful(clock, models, 64, (16, 32, 64))
    return measure_truthful(clock, models, images, BATCHES)


def describe(clock: Clock, dtype: torch.dtype, load: float) -> dict[str, Any]:
    """Where and how it was measured, and every time."""
    loads = [round(load, 2), round(os.getloadavg()[0], 2)]
    seconds = {name: [round(value, 3) for value in values] for name, values in clock.seconds.items()}
    about = {"machine": machine(clock.device), "load": loads, "torch": torch.__version__, "dtype": str(dtype)}
    return {**about, "seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("-"), help="where to write; - is standard output")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--images", type=int, default=2, help="in a batch of the whole cascade")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--truthful", action="store_true", help="that workload alone")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    found = (
        run_truthful(device, options.images)
        if options.truthful
        else run(device, options.pairs, options.images)
    )
    result = json.dumps(found, indent=1) + "\n"
    if options.json == Path("-"):
        sys.stdout.write(result)
    else:
        options.json.write_text(result)


if __name__ == "__main__":
    main()

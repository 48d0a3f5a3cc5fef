"""Images a second at full size on the truthful workload, by images of a pass, beside the usual decoder's."""

import torch

from tests.benchmarks import cascade as bench
from tests.benchmarks import cascade_truthful as truthful
from tests.benchmarks import cascade_ways as ways
from tests.gpu.report import Report
from tests.gpu.timing import seconds

SIZES = (8, 32, 64, 128)
USUAL = (16, 64)
TIMES = 3


@torch.inference_mode()
def check(device: torch.device, report: Report) -> None:
    with torch.device(device):
        plain = truthful.build(bench.models(device, torch.bfloat16))
    cascade = truthful.ours(plain)
    inputs = [cascade.prepare(image) for image in bench.pictures(max(SIZES))]
    for size in SIZES:
        some = inputs[:size]
        spent = min(
            seconds(lambda some=some: cascade.caption(some, range(len(some))), device)  # type: ignore[misc]
            for _ in range(1 + TIMES)
        )
        report.note(f"images_per_second_{size}", round(size / spent, 1))
        report.note(f"memory_gib_{size}", round(torch.cuda.max_memory_reserved() / 2**30, 1))
    cascade.captioner.release()
    torch.cuda.empty_cache()
    for size in USUAL:
        features = plain.blip.vision_model(
            pixel_values=plain.pixels(0, bench.pictures(size))
        ).last_hidden_state
        spent = min(
            seconds(lambda features=features: ways.usual_decode(plain, features), device)  # type: ignore[misc]
            for _ in range(2)
        )
        report.note(f"usual_decoder_images_per_second_{size}", round(size / spent, 1))

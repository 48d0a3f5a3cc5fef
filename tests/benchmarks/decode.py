"""What decoding and resizing cost: `python -m tests.benchmarks.decode`.

Bytes to the three inputs of the models, on one core, by ways that take turns in every round: Pillow's own
decoder and resizing, ours with the cascade's resizing, and torchvision's JPEG decoder with it. A third of the
JPEGs has an sRGB profile, one in a hundred a wider one. Prints images a second, the ratio to Pillow, and how
far the pixels are from Pillow's: the mean absolute difference per channel of 255, on average and for the
worst image, of images without profiles, which Pillow's plain decoding does not apply.
"""

import argparse
import json
import os
import statistics
import struct
import time
from collections.abc import Callable, Mapping
from functools import partial
from io import BytesIO

import numpy as np
import torch
from PIL import Image, ImageCms
from torchvision.io import ImageReadMode, decode_jpeg

from common.settings import DecodeSettings
from tests.benchmarks.images import draw_images
from workers.cascade.pixels import Fit, Preprocessing, Resampling
from workers.decode.colour.chromaticity import build_profile
from workers.decode.decoder import Decoder, decode
from workers.decode.isolated import IsolatedDecoder

Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
Inputs = list[Pixels]
Way = Callable[[bytes], object]
MAX_PIXELS = 50_000_000
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
WIDE = build_profile(1 / 2.2, (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)) or b""
"""The primaries of Display P3."""
SHAPES = ((384, Fit.SQUASH), (224, Fit.SHORTEST), (448, Fit.SHORTEST))
CASCADE = [
    Preprocessing(side, fit, Resampling.BICUBIC, mean=(0.5,) * 3, std=(0.5,) * 3) for side, fit in SHAPES
]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    load = os.getloadavg()[0]
    untagged = list(draw_images(options.images))
    bodies = [tag(body, number) for number, body in enumerate(untagged)]
    with IsolatedDecoder(seconds=60) as isolated, Decoder(DecodeSettings(profiles=False)) as plain:
        decoders: dict[str, Way] = {
            "pillow": _pillow,
            "ours": partial(decode, max_pixels=MAX_PIXELS),
            "ours, profiles ignored": partial(plain.decode, max_pixels=MAX_PIXELS),
            "ours, isolated": partial(isolated.decode, max_pixels=MAX_PIXELS),
            "torchvision": _torchvision,
        }
        decoding = _measure(decoders, bodies, options.rounds, "pillow")
    ways: dict[str, Callable[[bytes], Inputs]] = {
        "pillow": lambda body: [_pillow_resize(_pillow(body), *shape) for shape in SHAPES],
        "ours": lambda body: _cascade(decode(body, max_pixels=MAX_PIXELS)),
        "torchvision's decoder": lambda body: _cascade(_torchvision(body)),
    }
    whole = _measure(ways, bodies, options.rounds, "pillow")
    difference = _differences(ways, untagged, "pillow")
    found = {"decode": decoding, "decode and resize": whole, "difference": difference}
    about = {"images": options.images, "load": [round(load, 1), round(os.getloadavg()[0], 1)]}
    print(json.dumps(found | about, indent=1))


def tag(body: bytes, number: int) -> bytes:
    """A JPEG with the profile that its number gives it."""
    profile = WIDE if number % 100 == 50 else SRGB if number % 3 == 0 else b""
    if not profile or not body.startswith(b"\xff\xd8"):
        return body
    piece = b"ICC_PROFILE\0\1\1" + profile
    return body[:2] + struct.pack(">HH", 0xFFE2, len(piece) + 2) + piece + body[2:]


def _measure(
    ways: Mapping[str, Way], bodies: list[bytes], rounds: int, base: str
) -> dict[str, dict[str, float]]:
    """Medians over rounds, of this process's CPU time; that of isolated children is wall time."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            clock = time.perf_counter if "isolated" in name else time.process_time
            started = clock()
            for body in bodies:
                way(body)
            seconds[name].append((clock() - started) / len(bodies))
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    return {
        name: {"per_second": round(1 / found, 1), "times": round(medians[base] / found, 2)}
        for name, found in medians.items()
    }


def _differences(
    ways: dict[str, Callable[[bytes], Inputs]], bodies: list[bytes], base: str
) -> dict[str, dict[str, list[float]]]:
    """For each of the three inputs: the mean over images, and the worst image."""
    found = {}
    for name, way in ways.items():
        means = np.array([_difference(way(body), ways[base](body)) for body in bodies])  # [images, 3]
        found[name] = {"mean": means.mean(0).round(4).tolist(), "worst": means.max(0).round(4).tolist()}
    return found


def _difference(these: Inputs, those: Inputs) -> list[float]:
    return [float(np.abs(a.astype(int) - b).mean()) for a, b in zip(these, those, strict=True)]


def _pillow(body: bytes) -> Pixels:
    return np.array(Image.open(BytesIO(body)).convert("RGB"))


def _torchvision(body: bytes) -> Pixels:
    """JPEG by libjpeg-turbo through torchvision, the rest as ours."""
    if body[:2] != b"\xff\xd8":
        return decode(body, max_pixels=MAX_PIXELS)
    data = torch.frombuffer(bytearray(body), dtype=torch.uint8)
    return decode_jpeg(data, mode=ImageReadMode.RGB).permute(1, 2, 0).numpy()  # type: ignore[no-any-return]


def _cascade(pixels: Pixels) -> Inputs:
    return [preprocessing.resize(pixels) for preprocessing in CASCADE]


def _pillow_resize(pixels: Pixels, side: int, fit: Fit) -> Pixels:
    """As the models' own preprocessing does: the shorter side first, then the middle."""
    image = Image.fromarray(pixels)
    if fit is Fit.SQUASH:
        return np.asarray(image.resize((side, side), Resampling.BICUBIC))
    width, height = _scaled(image.width, image.height, side)
    left, top = round((width - side) / 2), round((height - side) / 2)
    return np.asarray(
        image.resize((width, height), Resampling.BICUBIC).crop((left, top, left + side, top + side))
    )


def _scaled(width: int, height: int, side: int) -> tuple[int, int]:
    shortest = min(width, height)
    return side * width // shortest, side * height // shortest


if __name__ == "__main__":
    main()

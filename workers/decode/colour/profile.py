"""ICC profiles (ICC.1:2022) to transforms into sRGB, built once for each profile."""

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms


@dataclass(frozen=True, slots=True)
class Transform:
    """A way to sRGB.

    Args:
        mode: of the images that it takes: L, RGB or CMYK.
        apply: gives RGB.
    """

    mode: str
    apply: Callable[[Image.Image], Image.Image]


MAX_BYTES = 4 << 20
CACHED = 32
NEAR = 3
"""Of 255: a profile whose colours differ by no more from sRGB is a copy of it."""

_MODES = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK"}
_CLASSES = {b"scnr", b"mntr", b"prtr", b"spac"}
_FLOAT_TAGS = re.compile(rb"D2B([0-3])")
"""Chains of any length, which viewers ignore and a hostile profile makes slow."""

_SRGB = ImageCms.createProfile("sRGB")
_cache: OrderedDict[bytes, Transform | None] = OrderedDict()
_lock = threading.Lock()


def find_transform(profile: bytes | None, mode: str) -> Transform | None:
    """The transform to sRGB; None where pixels are to stay as they are.

    They stay without a profile, or with one that is broken, nearly sRGB, or for other colours.

    Args:
        profile: ICC.
        mode: of the image without its transparency: L, RGB or CMYK.
    """
    if profile is None or len(profile) > MAX_BYTES:
        return None
    found = _get_cached(profile)
    if found is None or found.mode not in {mode, "RGB" if mode == "L" else mode}:
        return None
    return found


def _get_cached(profile: bytes) -> Transform | None:
    digest = hashlib.blake2b(profile, digest_size=16).digest()
    with _lock:
        if digest in _cache:
            _cache.move_to_end(digest)
            return _cache[digest]
    built = _build(profile)
    with _lock:
        _cache[digest] = built
        while len(_cache) > CACHED:
            _cache.popitem(last=False)
    return built


def _build(profile: bytes) -> Transform | None:
    mode = _MODES.get(profile[16:20])
    if mode is None or profile[12:16] not in _CLASSES:
        return None
    count = int.from_bytes(profile[128:132])
    tags = 132 + 12 * min(count, 100)
    plain = profile[:132] + _FLOAT_TAGS.sub(rb"X2B\1", profile[132:tags]) + profile[tags:]
    # a curve needs all of its 256 steps; cubes are interpolated between few
    flags = ImageCms.Flags.NOOPTIMIZE if mode == "L" else ImageCms.Flags.NONE
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(plain))
        built = ImageCms.buildTransform(source, _SRGB, mode, "RGB", ImageCms.Intent.PERCEPTUAL, flags)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    transform = _curve(built) if mode == "L" else Transform(mode, built.apply)
    return None if _is_near(transform) else transform


def _curve(built: ImageCms.ImageCmsTransform) -> Transform:
    """A table of greys, which is as exact and much faster."""
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(1, -1))
    table = np.asarray(built.apply(ramp))[0, :, 1].tolist()
    return Transform("L", lambda image: image.point(table).convert("RGB"))


def _is_near(transform: Transform) -> bool:
    """Whether the transform leaves colours nearly as they are; ink is never nearly light."""
    if transform.mode == "CMYK":
        return False
    steps = np.arange(0, 256, 15).astype(np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, len(steps), 3)
    if transform.mode == "L":
        grid = np.repeat(np.arange(256, dtype=np.uint8).reshape(1, -1, 1), 3, 2)
    after = np.asarray(transform.apply(Image.fromarray(grid[..., 1] if transform.mode == "L" else grid)))
    return int(np.abs(after.astype(int) - grid).max()) <= NEAR

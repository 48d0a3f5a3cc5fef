"""JPEG (ITU-T T.81): the segments that decide pixels, up to the end of the image."""

import random
import re
from dataclasses import dataclass, field

from workers.decode.budget import Budget
from workers.decode.error import too_slow
from workers.decode.exif import read_orientation
from workers.decode.source import Source

MAX_SCANS = 100
MAX_SEGMENTS = 10_000

_MARKER = re.compile(rb"\xff([\xc0-\xcf\xd8-\xfe])")
"""Neither stuffed zeros, restarts nor fill bytes: skips entropy-coded data and junk alike."""

_SOI, _EOI, _SOS, _APP0, _APP1, _APP2, _APP14, _COM = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE, 0xFE
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_END = b"\xff\xd9"
_PADDING = random.Random(0).randbytes(4096).replace(b"\xff", b"")  # noqa: S311 - any bytes do
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
_EXIF, _ICC = b"Exif\0\0", b"ICC_PROFILE\0"


@dataclass(slots=True)
class _Image:
    """The content of the segments."""

    kept: list[bytes | memoryview] = field(default_factory=lambda: [b"\xff\xd8"])
    frame: bytes = b""  # parameters of the first SOFn
    scans: list[bytes] = field(default_factory=list)  # parameters of each SOS
    exif: bytes = b""
    profile: list[bytes] = field(default_factory=list)
    is_ended: bool = False

    @property
    def size(self) -> tuple[int, int]:
        return int.from_bytes(self.frame[3:5]), int.from_bytes(self.frame[1:3])


def read_jpeg(body: bytes, _budget: Budget) -> Source:
    """The first image; bytes after its end are ignored, a video for instance."""
    image = _walk(body)
    ended, other_ending = _endings(image)
    return Source(
        "JPEG",
        ended,
        _estimate(image, len(ended)),
        size=image.size if image.frame else None,
        orientation=read_orientation(image.exif),
        profile=_join_profile(image.profile),
        other_ending=other_ending,
    )


def _walk(body: bytes) -> _Image:
    image, view = _Image(), memoryview(body)
    at = segments = 0
    while marker := _MARKER.search(body, at):
        if image.scans:
            image.kept.append(view[at : marker.start()])
        at = marker.end()
        code = marker[1][0]
        if code == _EOI:
            image.is_ended = True
            return image
        segments += 1
        if segments > MAX_SEGMENTS:
            raise too_slow(f"more than {MAX_SEGMENTS} segments")
        if code == _SOI:
            continue
        end = at + int.from_bytes(body[at : at + 2])
        _take(image, code, body[at + 2 : end], body[marker.start() : end])
        at = max(end, at + 2)
    if image.scans:
        image.kept.append(view[at:])
    return image


def _take(image: _Image, code: int, data: bytes, segment: bytes) -> None:
    if code == _APP1 and not image.exif and data.startswith(_EXIF):
        image.exif = data
    elif code == _APP2 and data.startswith(_ICC):
        image.profile.append(data[len(_ICC) :])
    if _APP0 < code < _APP14 or code in {_APP14 + 1, _COM}:
        return
    image.kept.append(segment)
    if code in _FRAMES and not image.frame:
        image.frame = data
    elif code == _SOS:
        image.scans.append(data)
        if len(image.scans) > MAX_SCANS:  # each may cost a pass over the whole image
            raise too_slow(f"more than {MAX_SCANS} scans")


def _endings(image: _Image) -> tuple[bytes, bytes | None]:
    """The image with its end; where the end was missing, also one that continues with arbitrary data.

    A whole image without its end decodes to the same pixels whatever follows; a cut one does not. One that is
    cut between two restart intervals takes what follows the next restart marker.
    """
    kept = b"".join(image.kept)
    if image.is_ended:
        return kept + _END, None
    if not _is_complete(image):
        return kept, None  # the decoder will miss the rest
    kept = kept.rstrip(b"\xff")  # the beginning of a marker
    return kept + _END, kept + _PADDING + _next_restart(kept) + _PADDING + _END


def _next_restart(kept: bytes) -> bytes:
    """The marker that begins the next restart interval of the last scan; their numbers run from 0 to 7."""
    restarts = _RESTART.findall(kept.rpartition(bytes((0xFF, _SOS)))[2])
    number = restarts[-1][0] + 1 if restarts else 0
    return bytes((0xFF, 0xD0 | number & 7))


def _is_complete(image: _Image) -> bool:
    """Whether the scans bring every coefficient of every component to full precision (T.81, G.1.1.1)."""
    components = [image.frame[at] for at in range(6, len(image.frame) - 2, 3)]
    missing = {(component, at): 1 for component in components for at in range(64)}
    for scan in image.scans:
        count = scan[0] if scan else 0
        if len(scan) < 2 * count + 4:
            return False
        first, last, precision = scan[2 * count + 1 : 2 * count + 4]
        for component in scan[1 : 2 * count + 1 : 2]:
            missing.update({(component, at): precision & 15 for at in range(first, min(last, 63) + 1)})
    return not any(missing[component, at] for component in components for at in range(64))


def _join_profile(pieces: list[bytes]) -> bytes | None:
    """The ICC profile from its numbered pieces (ICC.1:2022, B.4); None if any is missing or doubled."""
    ordered = sorted(piece for piece in pieces if len(piece) > 1)
    if not ordered or [piece[0] for piece in ordered] != list(range(1, ordered[0][1] + 1)):
        return None
    return b"".join(piece[2:] for piece in ordered)


def _estimate(image: _Image, length: int) -> float:
    """Seconds; an image of several scans is held in coefficients, and each scan may touch all of them."""
    width, height = image.size
    scans = len(image.scans)
    return width * height * (5e-9 if scans <= 1 else 30e-9 + 4e-9 * scans) + length * 50e-9

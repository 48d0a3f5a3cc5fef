"""The real app with a cascade that a picture's colour can kill: `celery -A tests.faults.deadly`.

Red crashes the process, green hangs in C and keeps the interpreter, blue finds no memory, yellow raises, and
magenta takes a minute as a busy GPU would.
"""

import ctypes
import time
from collections.abc import Sequence

from tests.faults.site import COLOURS
from workers.captions import Captions, Image, ModelInputs
from workers.celery import app
from workers.models.fake import FakeCascade

BUSY_SECONDS = 60
RGB = dict(
    zip(
        COLOURS,
        [(255, 255, 255), (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255)],
        strict=True,
    )
)


def suffer(image: Image) -> None:
    """Do what the colour says."""
    colour = tuple(int(value) for value in image[0, 0])
    if colour == RGB["red"]:
        ctypes.string_at(0)
    elif colour == RGB["green"]:
        ctypes.PyDLL(None).sleep(BUSY_SECONDS)
    elif colour == RGB["blue"]:
        raise MemoryError
    elif colour == RGB["yellow"]:
        raise RuntimeError("a deadly picture")
    elif colour == RGB["magenta"]:
        time.sleep(BUSY_SECONDS)


_caption = FakeCascade.caption


def _deadly(self: FakeCascade, inputs: Sequence[ModelInputs], keys: Sequence[int]) -> list[Captions]:
    for one in inputs:
        suffer(one.captioner)
    return _caption(self, inputs, keys)


FakeCascade.caption = _deadly  # type: ignore[method-assign]
app.conf.imports = ("workers.celery", "tests.faults.deadly")  # what a child imports

"""From an image's bytes to the inputs of the models, unless a rule forbids the image."""

from dataclasses import dataclass
from typing import Protocol

from common.metrics import Stage, measure
from common.run.status import Status
from common.signs import Honoured
from workers.batch.blocked import Blocked
from workers.captions import Captioning, Image, ModelInputs
from workers.fetch.failure import Failure
from workers.fetch.signs.image import find_image_sign


class Decode(Protocol):
    """Bytes to pixels, in this process or in another."""

    def __call__(self, body: bytes, *, max_pixels: int) -> Image:
        """As `workers.decode.decode`."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """The CPU work of one image; may run in any thread.

    Args:
        cascade: the models, loaded.
        max_pixels: of an image.
        decode: bytes to pixels.
        honoured: signs in an image that are.
        blocked: images that must not be used.
    """

    cascade: Captioning
    max_pixels: int
    decode: Decode
    honoured: Honoured
    blocked: Blocked | None

    def prepare(self, body: bytes, sha256: str) -> ModelInputs:
        """The inputs of an image.

        Raises:
            DecodeError: the bytes are no image that can be used.
            Failure: a sign or a block list forbids it.
        """
        if self.blocked is not None:
            self.blocked.require_free_bytes(body, sha256)
        rule = find_image_sign(body, self.honoured)
        if rule is not None:
            raise Failure(Status.OPT_OUT, rule)
        with measure(Stage.DECODE):
            image = self.decode(body, max_pixels=self.max_pixels)
            if self.blocked is not None:
                self.blocked.require_free_pixels(image)
            return self.cascade.prepare(image)

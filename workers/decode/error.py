"""The failures of decoding."""

from common.run.status import Status


class DecodeError(Exception):
    """The bytes are no image that we accept.

    Args:
        status: `not_an_image`, `decode_error`, `image_too_large` or `decode_crash`.
        detail: one printable line of at most 200 characters.
    """

    def __init__(self, status: Status, detail: str) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail


class SlowImageError(Exception):
    """Decoding needs more than this process grants; a process that can be ended may try."""


def too_slow(excess: str) -> DecodeError:
    """The error of an image over a limit of time, memory or structure."""
    return DecodeError(Status.DECODE_ERROR, f"too slow: {excess}")

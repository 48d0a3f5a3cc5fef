"""Untrusted bytes to RGB pixels.

Loaded on use: a disposable process that decodes one image needs no settings.
"""

from typing import TYPE_CHECKING

from common.lazy import load_on_use

if TYPE_CHECKING:
    from workers.decode.decoder import Decoder, decode
    from workers.decode.error import DecodeError
    from workers.decode.isolated import IsolatedDecoder

__all__ = ["DecodeError", "Decoder", "IsolatedDecoder", "decode"]

__getattr__ = load_on_use(
    __name__,
    {
        "DecodeError": "workers.decode.error",
        "Decoder": "workers.decode.decoder",
        "IsolatedDecoder": "workers.decode.isolated",
        "decode": "workers.decode.decoder",
    },
)

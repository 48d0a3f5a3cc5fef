"""Bytes to RGB pixels, whatever the bytes are."""

from workers.decode.decoder import Decoder, decode
from workers.decode.error import DecodeError
from workers.decode.isolated import IsolatedDecoder

__all__ = ["DecodeError", "Decoder", "IsolatedDecoder", "decode"]

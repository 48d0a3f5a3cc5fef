"""Untrusted bytes to RGB pixels."""

from workers.decode.decoder import Decoder, decode
from workers.decode.error import DecodeError
from workers.decode.isolated import IsolatedDecoder

__all__ = ["DecodeError", "Decoder", "IsolatedDecoder", "decode"]

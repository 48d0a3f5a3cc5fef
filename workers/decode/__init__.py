"""Bytes to RGB pixels, whatever the bytes are."""

from workers.decode.decoder import DecodeError, decode
from workers.decode.isolated import IsolatedDecoder, decode_isolated

__all__ = ["DecodeError", "IsolatedDecoder", "decode", "decode_isolated"]

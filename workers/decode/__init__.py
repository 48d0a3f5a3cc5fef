"""Bytes to RGB pixels, whatever the bytes are."""

from workers.decode.decoder import DecodeError, decode

__all__ = ["DecodeError", "decode"]

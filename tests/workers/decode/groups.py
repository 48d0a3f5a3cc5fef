"""A lossless WebP (RFC 9649, 3.7) with as many groups of code tables as there may be, in 300 kB."""

import struct

SIDE = 1024
BLOCK = 4
GROUPS = 65_536
_LENGTHS = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8]
"""Order of the code lengths' own lengths, as far as 8."""


class _Bits:
    """Bits from the lowest on."""

    def __init__(self) -> None:
        self._value = self._count = 0
        self._done = bytearray()

    def put(self, value: int, count: int) -> None:
        self._value |= value << self._count
        self._count += count
        while self._count >= 8:
            self._done.append(self._value & 255)
            self._value, self._count = self._value >> 8, self._count - 8

    def finish(self) -> bytes:
        return bytes(self._done) + bytes([self._value]) + bytes(16)


def webp_of_groups() -> bytes:
    """A megapixel, of which each block of 4 x 4 has a group of its own."""
    bits = _Bits()
    bits.put(SIDE - 1, 14)
    bits.put(SIDE - 1, 14)
    bits.put(0, 4)  # no alpha, version 0
    bits.put(0, 2)  # no transform, no colour cache
    bits.put(1, 1)  # several groups
    bits.put(0, 3)  # in blocks of 4
    bits.put(0, 1)  # no colour cache
    _put_bytes(bits, 280)  # green
    _put_bytes(bits, 256)  # red
    for _ in range(3):
        _put_constant(bits)
    for group in range(GROUPS):
        bits.put(_reverse(group & 255), 8)
        bits.put(_reverse(group >> 8), 8)
    for _ in range(5 * GROUPS):
        _put_constant(bits)
    data = b"\x2f" + bits.finish()
    chunk = b"VP8L" + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def _put_constant(bits: _Bits) -> None:
    """A code of one symbol, which takes no bits."""
    bits.put(0b0001, 4)


def _put_bytes(bits: _Bits, symbols: int) -> None:
    """A code of 8 bits for each byte, and none for further symbols."""
    bits.put(0, 1)
    bits.put(len(_LENGTHS) - 4, 4)
    for length in _LENGTHS:
        bits.put(int(length in {0, 8}), 3)
    bits.put(0, 1)
    for symbol in range(symbols):
        bits.put(int(symbol < 256), 1)


def _reverse(byte: int) -> int:
    return int(f"{byte:08b}"[::-1], 2)

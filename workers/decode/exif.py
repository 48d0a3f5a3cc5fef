"""The orientation tag of EXIF (CIPA DC-008-2023, 4.6.5.1.6), and nothing else."""

import struct

_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_ORIENTATION = 0x0112
_VALUE = {3: "H", 4: "I"}  # SHORT; LONG from careless writers
_ENTRY = 12


def read_orientation(block: bytes) -> int:
    """1 to 8 from the first directory; 1 where the tag is missing or damaged.

    Args:
        block: an EXIF block, with or without the prefix that JPEG puts before it.
    """
    block = block.removeprefix(b"Exif\0\0")
    order = _ORDERS.get(block[:4])
    if order is None:
        return 1
    try:
        value = _find(block, order)
    except struct.error:
        return 1
    return value if 1 <= value <= 8 else 1  # noqa: PLR2004 - the tag's range


def _find(block: bytes, order: str) -> int:
    (start,) = struct.unpack_from(order + "I", block, 4)
    (count,) = struct.unpack_from(order + "H", block, start)
    entries = block[start + 2 : start + 2 + count * _ENTRY]
    whole = len(entries) // _ENTRY * _ENTRY
    for tag, kind, length, value in struct.iter_unpack(order + "HHI4s", entries[:whole]):
        if tag == _ORIENTATION and kind in _VALUE and length == 1:
            return int(struct.unpack_from(order + _VALUE[kind], value)[0])
    return 1

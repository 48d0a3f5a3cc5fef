"""Metadata in PNG (W3C)."""

import zlib
from collections.abc import Callable
from contextlib import suppress

from workers.fetch.signs.metadata import MAX_PACKET, Metadata, read_chunks

_KEYWORD = b"XML:com.adobe.xmp"
_PROFILE = b"Raw profile type xmp"
"""ImageMagick's own keyword: hexadecimal digits behind a name and a length."""

_PIECE = 1 << 12


def read_png(body: bytes) -> Metadata:
    found = Metadata()
    for kind, start, end in read_chunks(body, 8, "big"):
        if kind in _PNG_TEXTS and body.startswith(_KEYWORD + b"\0", start):
            found.xmp.append(_PNG_TEXTS[kind](body[start + len(_KEYWORD) + 1 : end]))
        elif kind in _PNG_TEXTS and body.startswith(_PROFILE + b"\0", start):
            found.xmp.append(_read_profile(_PNG_TEXTS[kind](body[start + len(_PROFILE) + 1 : end])))
        elif kind == b"caBX":
            found.jumbf.append(body[start:end])
        if found.is_full:
            break
    return found


def _read_itxt(text: bytes) -> bytes:
    is_deflated, packet = text[:1] == b"\1", text[2:].split(b"\0", 2)[-1]
    return _inflate(packet) if is_deflated else packet


def _inflate(deflated: bytes) -> bytes:
    """As much as there is, up to a byte more than is parsed."""
    stream = zlib.decompressobj()
    packet = b""
    with suppress(zlib.error):
        for start in range(0, len(deflated), _PIECE):
            packet += stream.decompress(deflated[start : start + _PIECE], MAX_PACKET + 1 - len(packet))
            if len(packet) > MAX_PACKET or stream.eof:
                break
    return packet


def _read_profile(text: bytes) -> bytes:
    digits = b"".join(text[: 3 * MAX_PACKET].split()[2:])
    try:
        return bytes.fromhex(digits[: 2 * MAX_PACKET].decode("ascii"))
    except ValueError:
        return b""


_PNG_TEXTS: dict[bytes, Callable[[bytes], bytes]] = {
    b"iTXt": _read_itxt,
    b"tEXt": lambda text: text,
    b"zTXt": lambda text: _inflate(text[1:]),
}

"""Images with metadata, made by hand around Pillow's pixels."""

import io
import struct
import zlib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import cbor2
from PIL import Image

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
PLUS = "http://ns.useplus.org/ldf/xmp/1.0/"
VOCABULARY = "http://ns.useplus.org/ldf/vocab/"
XMP = b"http://ns.adobe.com/xap/1.0/\0"
EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"


@cache
def pixels(kind: str) -> bytes:
    sink = io.BytesIO()
    Image.new("RGB", (9, 7), (200, 30, 40)).save(sink, kind)
    return sink.getvalue()


def packet(inside: str, *, prefix: str = "plus", namespace: str = PLUS, attributes: str = "") -> bytes:
    """An XMP packet whose one node has these attributes and properties."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="{RDF}"><rdf:Description rdf:about="" xmlns:{prefix}="{namespace}"'
        f' xmlns:dc="http://purl.org/dc/elements/1.1/" {attributes}>{inside}</rdf:Description></rdf:RDF>'
        '</x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def mining(code: str) -> bytes:
    """A packet with a value of plus:DataMining."""
    return packet("", attributes=f'plus:DataMining="{VOCABULARY}{code}"')


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def jpeg(*segments: bytes, behind: bytes = b"") -> bytes:
    plain = pixels("JPEG")
    return plain[:2] + b"".join(segments) + plain[2:] + behind


def xmp_jpeg(body: bytes) -> bytes:
    return jpeg(segment(0xE1, XMP + body))


def extended_jpeg(body: bytes, size: int, *, guid: bytes = b"0" * 32, backwards: bool = True) -> bytes:
    """The packet in pieces of `size` bytes, the last one first."""
    pieces = [
        segment(0xE1, EXTENDED + guid + struct.pack(">II", len(body), at) + body[at : at + size])
        for at in range(0, len(body), size)
    ]
    main = packet(
        "", attributes=f'xmlns:n="http://ns.adobe.com/xmp/note/" n:HasExtendedXMP="{guid.decode()}"'
    )
    return jpeg(segment(0xE1, XMP + main), *(reversed(pieces) if backwards else pieces))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks: bytes, at_end: bool = False) -> bytes:
    plain = pixels("PNG")
    cut = len(plain) - 12 if at_end else 33
    return plain[:cut] + b"".join(chunks) + plain[cut:]


def itxt(body: bytes, *, deflated: bool = False, keyword: bytes = b"XML:com.adobe.xmp") -> bytes:
    text = zlib.compress(body) if deflated else body
    return chunk(b"iTXt", keyword + b"\0" + bytes((deflated, 0)) + b"\0\0" + text)


def webp(*chunks: tuple[bytes, bytes]) -> bytes:
    plain = pixels("WEBP")[12:]
    body = (
        b"WEBP"
        + plain
        + b"".join(
            kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in chunks
        )
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif(body: bytes) -> bytes:
    plain = pixels("GIF")
    trailer = b"\1" + bytes(range(255, -1, -1)) + b"\0"
    head = 13 + (3 << (plain[10] & 7) + 1)
    return plain[:head] + b"\x21\xff\x0bXMP DataXMP" + body + trailer + plain[head:]


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + kind + body


def superbox(label: str, *boxes: bytes, uuid: bytes = bytes(16)) -> bytes:
    return box(b"jumb", box(b"jumd", uuid + b"\3" + label.encode() + b"\0") + b"".join(boxes))


def assertion(entries: Mapping[str, Any], label: str = "cawg.training-mining") -> bytes:
    return superbox(label, box(b"cbor", cbor2.dumps({"entries": entries})))


def manifest(*assertions: bytes, name: str = "urn:c2pa:1") -> bytes:
    return superbox(name, superbox("c2pa.assertions", *assertions))


def store(*manifests: bytes) -> bytes:
    return superbox("c2pa", *manifests)


def c2pa_jpeg(jumbf: bytes, size: int = 60_000) -> bytes:
    """The box in pieces of `size` bytes, each with the box' head before it."""
    pieces: Iterable[bytes] = (jumbf[at : at + size] for at in range(0, len(jumbf), size))
    return jpeg(
        *(
            segment(0xEB, b"JP" + struct.pack(">HI", 1, number + 1) + (jumbf[:8] if number else b"") + piece)
            for number, piece in enumerate(pieces)
        )
    )

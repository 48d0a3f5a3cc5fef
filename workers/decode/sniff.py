"""The format of an image by its first bytes; the server's Content-Type is ignored."""

import re

from workers.decode.formats.dib import DIB_HEADERS
from workers.decode.source import Format

_MAGIC: dict[bytes, Format] = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0\x08\0\0\0": "TIFF",
    b"MM\0+\0\x08\0\0": "TIFF",
}
_UNREAD = {
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL \r\n\x87\n": "JPEG XL",
    b"\0\0\0\x0cjP  \r\n\x87\n": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"8BPS": "PSD",
    b"II\xbc": "JPEG XR",
    b"%PDF-": "PDF",
    b"%!PS": "PostScript",
    b"\xc5\xd0\xd3\xc6": "PostScript",
    b"\xd7\xcd\xc6\x9a": "WMF",
    b"\x8aMNG\r\n\x1a\n": "MNG",
    b"\x8bJNG\r\n\x1a\n": "JNG",
    b"AT&TFORM": "DjVu",
    b"DDS |": "DDS",
    b"v/1\1": "OpenEXR",
    b"#?RADIANCE": "Radiance HDR",
    b"qoif": "QOI",
    b"BPG\xfb": "BPG",
    b"FLIF": "FLIF",
    b"gimp xcf": "XCF",
    b"icns": "ICNS",
    b"\x1aE\xdf\xa3": "Matroska video",
}
_ICONS = {b"\0\0\1\0", b"\0\0\2\0"}  # cursors are icons with a hot spot
_AVIF = {b"avif", b"avis"}
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_VIDEO = {
    b"isom",
    b"iso2",
    b"iso5",
    b"iso6",
    b"mp41",
    b"mp42",
    b"avc1",
    b"qt  ",
    b"M4V ",
    b"3gp4",
    b"3gp5",
    b"dash",
}
_HEAD = 4096  # of a text in which the root element is looked for
_PROLOGUE = re.compile(rb"\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE\s+svg[^>\[]*(\[[^\]]*\]\s*)?>", re.DOTALL)
_SVG = re.compile(rb"<(\w+:)?svg[\s>/]")


def sniff(body: bytes) -> Format | None:
    """The format, if it is one that we read."""
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "WEBP"
    if body[:2] == b"BM" and int.from_bytes(body[14:18], "little") in DIB_HEADERS:
        return "BMP"
    if body[:4] in _ICONS and body[4:6] != b"\0\0" and body[9:10] == b"\0":
        return "ICO"
    if _brands(body) & _AVIF:
        return "AVIF"
    return next((name for magic, name in _MAGIC.items() if body.startswith(magic)), None)


def unread_format(body: bytes) -> str | None:
    """The name of a format of images, or of video, that we know and do not read."""
    if _brands(body) & _HEIC:
        return "HEIC"
    if _is_svg(body[:_HEAD]):
        return "SVG"
    if _brands(body) & _VIDEO:
        return "MP4 video"
    return next((name for magic, name in _UNREAD.items() if body.startswith(magic)), None)


def _brands(body: bytes) -> set[bytes]:
    """Major and compatible brands of an ISO base media file (ISO/IEC 14496-12, 4.3)."""
    if body[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(body[:4]), _HEAD)
    return {body[8:12], *(body[at : at + 4] for at in range(16, end, 4))}


def _is_svg(head: bytes) -> bool:
    """Whether the first element of a text is `svg`; an HTML page that contains one is a page."""
    head = head.removeprefix(b"\xef\xbb\xbf")
    at = 0
    while prologue := _PROLOGUE.match(head, at):
        at = prologue.end()
    return _SVG.match(head, at) is not None

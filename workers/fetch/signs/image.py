"""Signs inside an image."""

from common.signs import Honoured
from workers.fetch.signs.c2pa import find_c2pa_sign
from workers.fetch.signs.container import read_metadata
from workers.fetch.signs.xmp import find_xmp_sign


def find_image_sign(body: bytes, honoured: Honoured) -> str | None:
    """The sign in an image's metadata that refuses, in the form of a row's error."""
    metadata = read_metadata(body)
    for packet in metadata.xmp:
        if sign := find_xmp_sign(packet, honoured):
            return sign
    for box in metadata.jumbf:
        if sign := find_c2pa_sign(box, honoured):
            return sign
    return None

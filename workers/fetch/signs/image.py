"""Signs inside an image."""

from common.signs import Family, Honoured
from workers.fetch.signs.c2pa import find_c2pa_sign
from workers.fetch.signs.container import read_metadata
from workers.fetch.signs.xmp import find_xmp_sign

_FAMILIES = (Family.PLUS, Family.TDM_XMP, Family.C2PA)


def find_image_sign(body: bytes, honoured: Honoured) -> str | None:
    """The sign in an image's metadata that refuses, in the form of a row's error."""
    if not any(honoured.has(family) for family in _FAMILIES):
        return None
    metadata = read_metadata(body)
    found = (
        *(find_xmp_sign(packet, honoured) for packet in metadata.xmp),
        *(find_c2pa_sign(box, honoured) for box in metadata.jumbf),
    )
    return next(filter(None, found), None)

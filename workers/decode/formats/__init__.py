"""A reader for each format: hostile bytes to a bounded Source, before Pillow sees any."""

from collections.abc import Callable, Mapping

from workers.decode.budget import Budget
from workers.decode.formats.avif import read_avif
from workers.decode.formats.bmp import read_bmp
from workers.decode.formats.gif import read_gif
from workers.decode.formats.ico import read_ico
from workers.decode.formats.jpeg import read_jpeg
from workers.decode.formats.png import read_png
from workers.decode.formats.tiff import read_tiff
from workers.decode.formats.webp import read_webp
from workers.decode.source import Format, Source

READERS: Mapping[Format, Callable[[bytes, Budget], Source]] = {
    "JPEG": read_jpeg,
    "PNG": read_png,
    "GIF": read_gif,
    "WEBP": read_webp,
    "AVIF": read_avif,
    "BMP": read_bmp,
    "ICO": read_ico,
    "TIFF": read_tiff,
}

"""Images that are already here: the bytes of a batch's rows, from a tar, a column or a folder."""

from workers.archive.source import Source, open_source
from workers.archive.tar import TarSource

__all__ = ["Source", "TarSource", "open_source"]

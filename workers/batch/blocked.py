"""Images on the operator's block lists: by their bytes before they are decoded, by their pixels after it."""

import hashlib
from functools import lru_cache

from common.deny.block_list import BlockList, read_block_list
from common.run.status import Status
from common.settings import FilterSettings
from workers.batch.pdq import PdqIndex
from workers.captions import Image
from workers.fetch.failure import Failure

RULE = "block list"
"""All that a row says of it."""


class Blocked:
    """The lists of these settings.

    Raises:
        FleetError: a file cannot be read, or holds something else than hashes.
    """

    def __init__(self, settings: FilterSettings) -> None:
        self._list = read_block_list(settings.block_files)
        self._pdq = _index(self._list) if len(self._list.pdq) else None

    @property
    def digest(self) -> str | None:
        """What tells these lists from others; None where there are none."""
        return self._list.digest if self._list else None

    def require_free_bytes(self, body: bytes, sha256: str) -> None:
        """Raise Failure if the bytes are listed."""
        if len(self._list.sha256) and bytes.fromhex(sha256) in self._list.sha256:
            raise Failure(Status.FILTERED, RULE)
        if len(self._list.md5) and hashlib.md5(body, usedforsecurity=False).digest() in self._list.md5:
            raise Failure(Status.FILTERED, RULE)

    def require_free_pixels(self, image: Image) -> None:
        """Raise Failure if the image is a near copy of a listed one."""
        if self._pdq is not None and self._pdq.has_near_copy(image):
            raise Failure(Status.FILTERED, RULE)


@lru_cache(maxsize=1)
def _index(found: BlockList) -> PdqIndex:
    return PdqIndex(found.pdq.body)

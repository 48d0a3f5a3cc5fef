"""Whether many texts are all different, in eight bytes each."""

from array import array
from hashlib import blake2b

import pyarrow as pa
import pyarrow.compute as pc


class Distinct:
    """Texts by their hashes (BLAKE2b, 64 bits): an archive may hold millions of keys."""

    def __init__(self) -> None:
        self._hashes = array("Q")

    def __len__(self) -> int:
        return len(self._hashes)

    def add(self, text: str) -> None:
        self._hashes.append(hash_text(text))

    def has_twins(self) -> bool:
        """Whether a text was added twice."""
        return int(pc.count_distinct(self.hashes()).as_py()) != len(self)

    def missing_from(self, others: "Distinct") -> int:
        """Texts here that `others` lacks."""
        known = pc.is_in(self.hashes(), others.hashes())
        return len(self) - int(pc.sum(known).as_py() or 0)

    def hashes(self) -> pa.Array:
        """As uint64, one for each text, in order."""
        return pa.Array.from_buffers(pa.uint64(), len(self), [None, pa.py_buffer(self._hashes)])


def hash_text(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(errors="surrogateescape"), digest_size=8).digest(), "little")

"""Pieces of rows gathered into row groups, one a batch where they are small enough to be held."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

GROUP_BYTES = 256 << 20
"""Most that is held before it is written: a batch of long texts takes several row groups."""


def row_groups(pieces: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.Table]:
    """The rows of `pieces` as tables of `size` rows; shorter are the last, and those of `GROUP_BYTES`."""
    held: list[pa.RecordBatch] = []
    missing, held_bytes = size, 0
    for piece in pieces:
        while piece.num_rows:
            held.append(piece.slice(0, missing))
            piece = piece.slice(missing)  # noqa: PLW2901 - the rest of it
            missing -= held[-1].num_rows
            held_bytes += held[-1].nbytes
            if not missing or held_bytes >= GROUP_BYTES:
                yield pa.Table.from_batches(held)
                held, missing, held_bytes = [], missing or size, 0
    if held:
        yield pa.Table.from_batches(held)

"""Row groups, decoded as their pages ask for, within a number of bytes."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from common.parquet.chunk import find_chunks, find_leaves
from common.parquet.guarded_file import GuardedFile
from common.parquet.reading import Budget, Reading, UnsuitedError
from common.run.footer import open_file

MEMORY = 768 << 20
"""Bytes for the pages that are open at once, for dictionaries, and for the texts of the rows at work."""


class Decoder:
    """Decodes row groups one after another.

    Args:
        file: the whole file.
        footer: its footer.
        columns: to be decoded.
        memory: bytes that it may take; `MEMORY` by default.
    """

    def __init__(
        self, file: BinaryIO, footer: pq.FileMetaData, columns: Sequence[str], memory: int | None = None
    ) -> None:
        self._file, self._footer, self._columns = file, footer, columns
        self._memory = memory
        self._leaves = find_leaves(footer, columns)
        self.schema = open_file(file, footer).schema_arrow
        """Of all columns."""
        names = (field.name for field in self.schema if pa.types.is_dictionary(field.type))
        self._bound = frozenset(names)
        self.once: frozenset[str] = frozenset()
        """The columns of which equal texts were held once in the row group that was read last."""

    def decode(self, group: int, reading: Reading) -> Iterator[pa.RecordBatch]:
        """All rows of a row group.

        Args:
            group: its number.
            reading: tried first; where the pages ask for another, the row group is begun anew.

        Raises:
            OSError: it is damaged.
            LargePageError: its pages would take more memory than there is.
        """
        guarded = GuardedFile(self._file, lambda: find_chunks(self._footer, group, self._leaves))
        done = 0
        while True:
            try:
                for batch in _skip(self._batches(guarded, group, reading), done):
                    yield batch
                    done += batch.num_rows
            except UnsuitedError as error:
                reading = error.better
            else:
                self.once = reading.once
                return

    def _batches(self, guarded: GuardedFile, group: int, reading: Reading) -> Iterator[pa.RecordBatch]:
        budget = Budget(reading, self._memory or MEMORY, self._bound)
        guarded.begin(budget.see, budget.look)
        parquet = open_file(cast(BinaryIO, guarded), self._footer, reading.once)
        yield from parquet.iter_batches(reading.rows, [group], self._columns)


def _skip(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        if rows < batch.num_rows:
            yield batch.slice(rows)
        rows -= min(rows, batch.num_rows)

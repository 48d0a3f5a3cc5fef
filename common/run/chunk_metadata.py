"""The metadata of column chunks: pyarrow ends the process where it is asked for damaged or encrypted ones."""

from collections.abc import Iterable, Sequence
from typing import BinaryIO, Never, cast

import pyarrow.parquet as pq

from common.file_view import FileView
from common.run.footer import open_file


class _ReachedError(Exception):
    """A reader has taken the metadata for sound, and goes on to a page."""


class _Unread(FileView):
    """A file of which nothing but the size is told."""

    def read(self, size: int = -1) -> Never:  # noqa: ARG002 - a reader says how much
        raise _ReachedError


def require_sound_chunks(
    file: BinaryIO, footer: pq.FileMetaData, groups: Iterable[int], columns: Sequence[str]
) -> None:
    """Have a reader check the metadata of some columns, before they are asked for; no byte is read.

    Raises:
        OSError: they are damaged, or encrypted.
    """
    parquet = open_file(cast(BinaryIO, _Unread(file)), footer)
    for group in groups:
        try:
            next(parquet.iter_batches(1, [group], columns, use_threads=False), None)
        except _ReachedError:
            continue

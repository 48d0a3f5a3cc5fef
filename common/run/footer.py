"""The claims of a parquet footer, checked before anything is planned or read by them."""

import io
import struct
from collections.abc import Iterable
from typing import BinaryIO

import pyarrow.parquet as pq

from common.run.planned_part import MAX_ROWS

READ_AHEAD = 1 << 20
"""Bytes buffered a column: enough to stream, little beside a row group of a million rows."""

MAX_COLUMNS = 10_000
ROWS_PER_BYTE = 1_000
"""More rows than run-length encoding packs into a byte of a file that anybody would write."""

SIGNATURE = 28
"""Bytes behind a plain footer that is signed: nonce and tag (parquet-format, Encryption.md, section 5.4)."""


class FooterError(ValueError):
    """The footer cannot be true, or is of a kind that is not read; the caller adds the place."""


def open_file(
    file: BinaryIO, footer: pq.FileMetaData | None = None, dictionaries: Iterable[str] = ()
) -> pq.ParquetFile:
    """Open a parquet file for streaming.

    Args:
        file: the whole file.
        footer: its footer, if that was read before.
        dictionaries: columns of which equal texts are held once.

    Raises:
        FooterError: the name of a column is not UTF-8.
    """
    try:
        return pq.ParquetFile(
            file,
            metadata=footer,
            read_dictionary=list(dictionaries),
            pre_buffer=False,
            buffer_size=READ_AHEAD,
        )
    except UnicodeDecodeError as error:
        raise FooterError("the name of a column is not UTF-8; rename it") from error


def require_sound(metadata: pq.FileMetaData, file: BinaryIO) -> int:
    """Check the claims of a footer; nothing else is read.

    Args:
        metadata: the footer as pyarrow reads it.
        file: the whole file.

    Returns:
        The rows of all row groups.

    Raises:
        FooterError: too many columns or rows, counts that contradict each other, or encrypted columns.
    """
    if metadata.num_columns > MAX_COLUMNS:
        raise FooterError(
            f"{metadata.num_columns} columns; at most {MAX_COLUMNS} are read: keep those needed"
        )
    # pyarrow ends the process where it meets an encrypted column's metadata, so look before it does.
    if _footer_length(file) - metadata.serialized_size == SIGNATURE:
        raise FooterError("an encrypted parquet file; decrypt it first")
    groups = [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]
    rows = sum(groups)
    if rows != metadata.num_rows or min(groups, default=0) < 0:
        raise FooterError(
            f"its footer claims {metadata.num_rows} rows and its row groups {rows}; write it again"
        )
    if rows > min(ROWS_PER_BYTE * file.seek(0, io.SEEK_END), MAX_ROWS):
        raise FooterError(f"its footer claims {rows} rows, more than such a file can hold; write it again")
    return int(rows)


def _footer_length(file: BinaryIO) -> int:
    file.seek(-8, io.SEEK_END)
    (length,) = struct.unpack("<I", file.read(4))
    return int(length)

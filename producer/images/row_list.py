"""A parquet file as planning sees it: its footer, and nothing of its rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from common.archive.image_column import byte_columns
from common.run.chunk_metadata import require_sound_chunks
from common.run.columns import ColumnsError, require_distinct, require_usable
from common.run.fingerprint import Fingerprint
from common.run.footer import FooterError, open_file, require_sound
from common.run.part import PartError
from common.run.planned_part import Part, part_id
from producer.kinds import describe

ENCRYPTED = "encrypted"
"""pyarrow's word for a footer that it has no key for."""


@dataclass(frozen=True, slots=True)
class RowList:
    """A parquet file with sound claims, which may hold links, images, or the list of images beside it."""

    address: str
    version: Fingerprint
    rows: int
    metadata: pq.FileMetaData
    schema: pa.Schema

    @classmethod
    def read(cls, address: str, file: BinaryIO, version: Fingerprint) -> "RowList":
        """From the file, open.

        Raises:
            pa.ArrowException: no parquet file.
            OSError: its footer is damaged, or the metadata of images in it.
            FooterError: the footer's claims cannot be true.
            ColumnsError: there are rows, and a column in use has a twin, or no type that can be used.
        """
        parquet = open_file(file)
        rows = require_sound(parquet.metadata, file)
        if columns := byte_columns(parquet.schema_arrow):  # the metadata of images are asked for
            require_sound_chunks(file, parquet.metadata, range(parquet.metadata.num_row_groups), columns)
        if rows:  # without any, writers know no types
            require_distinct(parquet.schema_arrow)
            require_usable(parquet.schema_arrow)
        return cls(address, version, rows, parquet.metadata, parquet.schema_arrow)

    def plan(self, **more: Any) -> Part:
        """The part whose rows these are; `more` says what a list of links is not."""
        return Part(
            id=part_id(self.address),
            address=self.address,
            rows=self.rows,
            size=self.version.size,
            etag=self.version.etag,
            file_rows=self.rows,
            **more,
        )


@contextmanager
def footer_errors(address: str, file: BinaryIO) -> Iterator[None]:
    """Within the block a file that is read as parquet, and is none, is a `PartError`."""
    try:
        yield
    except pa.ArrowException as error:
        raise PartError(f"{address}: {describe(file)}") from error
    except OSError as error:
        if ENCRYPTED not in str(error):
            raise
        raise PartError(f"{address}: {describe(file)}") from error
    except (ColumnsError, FooterError) as error:
        raise PartError(f"{address}: {error}") from error

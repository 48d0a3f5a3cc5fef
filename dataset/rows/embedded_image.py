"""Images inside a file of captions."""

from dataclasses import dataclass
from pathlib import Path

from common.archive.column_images import ImageColumn
from common.archive.image_column import count_images, find_image_column, leaf_of
from common.run.chunk_metadata import require_sound_chunks
from common.run.footer import open_file


@dataclass(frozen=True, slots=True)
class EmbeddedImage:
    """The image of one row."""

    file: Path
    column: str
    row: int

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}"

    def read(self) -> bytes:
        """Its bytes; empty where the row has none.

        Raises:
            OSError: the file cannot be read.
            pa.ArrowException: it is damaged.
        """
        with self.file.open("rb") as file:
            return next(ImageColumn(file, self.column).read(range(self.row, self.row + 1)), None) or b""


def find_embedded(path: Path) -> str | None:
    """The column of a parquet file that holds images, in its first row too.

    Raises:
        ColumnsError: there are several, and none has a usual name.
        OSError: it is damaged.
    """
    with path.open("rb") as file:
        parquet = open_file(file)
        column = find_image_column(parquet.schema_arrow)
        if column is None:
            return None
        require_sound_chunks(file, parquet.metadata, range(parquet.metadata.num_row_groups), [column])
        if not count_images(parquet.metadata, leaf_of(parquet.schema_arrow, column)):
            return None
        return column if next(ImageColumn(file, column).read(range(1)), None) else None

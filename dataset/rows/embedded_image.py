"""Images inside a parquet file, as Hugging Face's `Image` feature keeps them: structs with `bytes`."""

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

BYTES = "bytes"


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
        ends = _ends(self.file)
        group = bisect_right(ends, self.row)
        bodies = _bodies(self.file, self.column, group)
        return bodies[self.row - (ends[group - 1] if group else 0)].as_py() or b""


def find_embedded(file: pq.ParquetFile, names: tuple[str, ...]) -> str | None:
    """The column of a parquet file that holds images in its first row; `names` first to last."""
    lowered = {field.name.lower(): field.name for field in file.schema_arrow if _is_image(field.type)}
    column = next((lowered[name] for name in names if name in lowered), None)
    if column is None or not file.metadata.num_rows:
        return None
    first = next(file.iter_batches(1, columns=[f"{column}.{BYTES}"]))
    return column if first.column(0).field(0)[0].as_py() else None


def _is_image(kind: pa.DataType) -> bool:
    return bool(pa.types.is_struct(kind) and kind.get_field_index(BYTES) >= 0)


@lru_cache(maxsize=4)
def _ends(file: Path) -> list[int]:
    metadata = pq.ParquetFile(file).metadata
    return list(accumulate(metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)))


@lru_cache(maxsize=1)  # candidates of one row group tend to be read together
def _bodies(file: Path, column: str, group: int) -> pa.ChunkedArray:
    table = pq.ParquetFile(file).read_row_group(group, columns=[f"{column}.{BYTES}"])
    return pa.chunked_array([chunk.field(0) for chunk in table.column(0).chunks], pa.binary())

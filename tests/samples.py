"""Input parts for the tests."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def write_part(
    path: Path, rows: int = 10, *, link: str = "http://192.0.2.1/{row}.jpg", **columns: Any
) -> Path:
    """A part with URL, TEXT and whatever else is named; its links lead nowhere unless told otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = {
        "URL": [link.format(row=row) for row in range(rows)],
        "TEXT": [f"text {row}" for row in range(rows)],
        **columns,
    }
    pq.write_table(pa.table({name: values for name, values in table.items() if values is not None}), path)
    return path

"""Kinds of lists, told by the name of the file."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

Layout = Literal["csv", "tsv", "jsonl", "text"]

LAYOUTS: dict[str, Layout] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".txt": "text",
}
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}


@dataclass(frozen=True, slots=True)
class Kind:
    """How the links are written, and pyarrow's name of the compression around that."""

    layout: Layout
    compression: str | None


def kind_of(address: str) -> Kind | None:
    """The kind of list that a file is by its name, or None where the name is not a list's."""
    name = PurePosixPath(address.lower())
    compression = COMPRESSIONS.get(name.suffix)
    layout = LAYOUTS.get((name.with_suffix("") if compression else name).suffix)
    return None if layout is None else Kind(layout, compression)

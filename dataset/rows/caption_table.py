"""Human captions in a table: a column for the image, and one of texts or of lists of texts."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from common.errors import FleetError
from dataset.rows.embedded_image import EmbeddedImage, find_embedded

IMAGE = ("image", "url", "image_url", "coco_url", "picture", "file_name", "filename", "path")
CAPTION = ("caption", "text", "sentence", "captions", "texts", "sentences", "answer")
WORDING = ("raw", "caption", "text")
"""Fields of a caption that is a struct."""

Pair = tuple[str | EmbeddedImage, str]
"""The place of the image, and the caption."""


def read_parquet(file: Path, *, embedded: bool) -> Iterator[Pair]:
    """Every image and caption of a parquet file; images that it holds itself are preferred if `embedded`."""
    parquet = pq.ParquetFile(file)
    schema = parquet.schema_arrow
    caption = _require(_column(schema, CAPTION, _is_caption), file)
    column = find_embedded(file) if embedded else None
    if column is not None:
        captions = parquet.read([caption]).column(0).to_pylist()
        places: Sequence[str | EmbeddedImage] = [
            EmbeddedImage(file, column, row) for row in range(len(captions))
        ]
    else:
        place = _require(_column(schema, IMAGE, _is_text), file)
        table = parquet.read([place, caption])
        places, captions = table[place].cast(pa.string()).to_pylist(), table[caption].to_pylist()
    return _pairs(places, captions)


def read_csv(file: Path) -> Iterator[Pair]:
    """Every image and caption of a CSV file."""
    table = pyarrow.csv.read_csv(file)
    place = _require(_column(table.schema, IMAGE, _is_text), file)
    caption = _require(_column(table.schema, CAPTION, _is_caption), file)
    return _pairs(table[place].cast(pa.string()).to_pylist(), table[caption].to_pylist())


def _pairs(places: Sequence[str | EmbeddedImage], captions: Sequence[object]) -> Iterator[Pair]:
    for place, said in zip(places, captions, strict=True):
        yield from ((place, text) for text in _texts(said) if place and text)


def _texts(said: object) -> Iterator[str]:
    if isinstance(said, list):
        for one in said:
            yield from _texts(one)
    elif isinstance(said, dict):
        yield from _texts(next((said[name] for name in WORDING if name in said), None))
    elif said is not None:
        yield str(said)


def _require(column: str | None, file: Path) -> str:
    if column is None:
        raise FleetError(
            f"{file}: needs a column {' or '.join(IMAGE)} of addresses, file names or images,"
            f" and one {' or '.join(CAPTION)} of texts or lists of texts"
        )
    return column


def _column(schema: pa.Schema, known: Sequence[str], is_wanted: Callable[[pa.DataType], bool]) -> str | None:
    lowered = {field.name.lower(): field.name for field in schema if is_wanted(field.type)}
    return next((lowered[name] for name in known if name in lowered), None)


def _is_text(kind: pa.DataType) -> bool:
    return not pa.types.is_nested(kind)


def _is_caption(kind: pa.DataType) -> bool:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _is_caption(kind.value_type)
    if pa.types.is_struct(kind):
        return any(kind.get_field_index(name) >= 0 for name in WORDING)
    return _is_text(kind)

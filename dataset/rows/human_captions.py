"""Files of human captions: COCO's JSON, or a table of image and caption in parquet or CSV."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from pydantic import BaseModel, ValidationError

from common.errors import FleetError

IMAGE = ("image", "url", "image_url", "coco_url", "picture", "file_name", "filename", "path")
CAPTION = ("caption", "text", "sentence", "captions", "texts", "sentences")

Pair = tuple[str, str]
"""Where the picture is, and the caption."""


class CocoImage(BaseModel):
    """An entry of `images` (cocodataset.org, data format)."""

    id: int | str
    file_name: str = ""
    coco_url: str = ""


class CocoAnnotation(BaseModel):
    """An entry of `annotations`."""

    image_id: int | str
    caption: str


class Coco(BaseModel):
    """The fields of COCO's captions that are read."""

    images: list[CocoImage]
    annotations: list[CocoAnnotation]


def read_captions(file: Path, *, local: bool) -> Iterator[Pair]:
    """Every image and caption of a file; an image may come more than once.

    Args:
        file: `.json` as COCO's, `.parquet` or `.csv`.
        local: whether COCO's images are named by file rather than by address.

    Raises:
        FleetError: the file cannot be read, or is none of these.
    """
    try:
        if file.suffix == ".json":
            return _coco(Coco.model_validate_json(file.read_bytes()), local=local)
        if file.suffix == ".parquet":
            return _table(pq.ParquetFile(file).read(), file)
        if file.suffix == ".csv":
            return _table(pyarrow.csv.read_csv(file), file)
    except ValidationError as error:
        reason = error.errors()[0]
        where = ".".join(str(step) for step in reason["loc"])
        raise FleetError(f"{file}: not COCO's captions ({where}: {reason['msg']})") from error
    except (OSError, pa.ArrowException, json.JSONDecodeError) as error:
        raise FleetError(f"{file}: cannot be read ({error})") from error
    raise FleetError(f"{file}: human captions are a .json as COCO's, a .parquet or a .csv")


def _coco(coco: Coco, *, local: bool) -> Iterator[Pair]:
    places: Mapping[int | str, str] = {
        image.id: image.file_name if local else image.coco_url or image.file_name for image in coco.images
    }
    for annotation in coco.annotations:
        place = places.get(annotation.image_id)
        if place:
            yield place, annotation.caption


def _table(table: pa.Table, file: Path) -> Iterator[Pair]:
    image = _column(table.schema, IMAGE, _is_text)
    caption = _column(table.schema, CAPTION, lambda kind: _is_text(kind) or _is_text_list(kind))
    if image is None or caption is None:
        raise FleetError(
            f"{file}: needs a column {' or '.join(IMAGE)} of addresses or file names,"
            f" and one {' or '.join(CAPTION)} of texts or lists of texts"
        )
    places, captions = table[image].cast(pa.string()).to_pylist(), table[caption].to_pylist()
    for place, said in zip(places, captions, strict=True):
        texts = said if isinstance(said, list) else [said]
        yield from ((place, str(text)) for text in texts if place and text)


def _column(schema: pa.Schema, known: Sequence[str], is_wanted: Callable[[pa.DataType], bool]) -> str | None:
    lowered = {field.name.lower(): field.name for field in schema if is_wanted(field.type)}
    return next((lowered[name] for name in known if name in lowered), None)


def _is_text(kind: pa.DataType) -> bool:
    return not pa.types.is_nested(kind)


def _is_text_list(kind: pa.DataType) -> bool:
    return (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and _is_text(kind.value_type)

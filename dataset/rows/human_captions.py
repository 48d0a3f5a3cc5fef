"""Files of human captions: COCO's JSON, or a table of image and caption in parquet or CSV."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
from pydantic import BaseModel, ValidationError

from common.errors import FleetError
from common.run.columns import ColumnsError
from common.run.footer import FooterError
from dataset.rows.caption_table import Pair, read_csv, read_parquet


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


def read_captions(file: Path, *, local: bool, embedded: bool = False) -> Iterator[Pair]:
    """Every image and caption of a file; an image may come more than once.

    Args:
        file: `.json` as COCO's, `.parquet` or `.csv`.
        local: whether COCO's images are named by file rather than by address.
        embedded: whether images that a parquet file holds are preferred to their addresses.

    Raises:
        FleetError: the file cannot be read, or is none of these.
    """
    try:
        if file.suffix == ".json":
            return _coco(Coco.model_validate_json(file.read_bytes()), local=local)
        if file.suffix == ".parquet":
            return read_parquet(file, embedded=embedded)
        if file.suffix == ".csv":
            return read_csv(file)
    except ValidationError as error:
        reason = error.errors()[0]
        where = ".".join(str(step) for step in reason["loc"])
        raise FleetError(f"{file}: not COCO's captions ({where}: {reason['msg']})") from error
    except (OSError, pa.ArrowException, json.JSONDecodeError, ColumnsError, FooterError) as error:
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

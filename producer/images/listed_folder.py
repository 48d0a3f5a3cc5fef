"""img2dataset's `files` layout: the images of `00000.parquet` lie in the folder `00000`, each by its key."""

import json

from common.archive.img2dataset import COLUMNS, LIST, STATS, has_keys
from common.errors import FleetError
from common.run.planned_part import Part
from common.run.whole_part import read_whole_part
from common.settings import S3Settings
from producer.images.row_list import RowList
from producer.images.siblings import Siblings
from producer.images.unfinished import has_others, is_finished, unfinished
from producer.selection import is_image

STATS_BYTES = 1 << 20


def plan_listed_folder(listed: RowList, s3: S3Settings, siblings: Siblings) -> Part | None:
    """The plan of a list whose images lie in the folder of its name; None where none do.

    Raises:
        UselessPartError: the shard is not finished.
        StoreError: a place cannot be reached.
    """
    if not (has_keys(listed.schema) and set(listed.schema.names) >= COLUMNS):
        return None
    folder = listed.address.removesuffix(LIST)
    suffix = _find_suffix(folder, siblings)
    if not is_finished(listed.address, siblings) and (suffix or has_others(listed.address, siblings)):
        raise unfinished(listed.address)
    if suffix is None and not _is_all_lost(folder, s3, siblings):
        return None
    return listed.plan(kind="folder", folder=folder, suffix=suffix or "")


def _find_suffix(folder: str, siblings: Siblings) -> str | None:
    """The ending of the images in a folder: img2dataset writes all in one format."""
    first = min(filter(is_image, siblings.beside(f"{folder}/")), default=None)
    return None if first is None else f".{first.rpartition('.')[2]}"


def _is_all_lost(folder: str, s3: S3Settings, siblings: Siblings) -> bool:
    """Whether the shard's statistics say that no download succeeded: then it has no folder everywhere."""
    if not siblings.has(folder + STATS):
        return False
    try:
        _, body = read_whole_part(folder + STATS, s3, STATS_BYTES)
        return bool(json.loads(body or b"{}").get("successes") == 0)
    except (FleetError, ValueError, AttributeError, RecursionError):
        return False

"""Tars in WebDataset's layout, alone or with the list that img2dataset writes beside each."""

from typing import BinaryIO

import pyarrow as pa

from common.archive.locate import count_samples
from common.archive.tar_part import BUFFER, KEY, tar_errors
from common.run.columns import ColumnsError, require_distinct, require_usable
from common.run.footer import FooterError, open_file, require_sound
from common.run.part import PartError, open_part
from common.run.planned_part import Beside, Part, part_id
from common.settings import S3Settings
from producer.images.errors import UselessPartError
from producer.images.siblings import Siblings

SUFFIX = ".tar"
LIST, STATS = ".parquet", "_stats.json"
IMG2DATASET = frozenset({KEY, "status", "error_message"})
"""Columns of the lists of img2dataset, which writes its statistics last."""


def is_tar(address: str) -> bool:
    return address.lower().endswith(SUFFIX)


def tar_of(address: str) -> str:
    """The address of the tar beside a list."""
    return address.removesuffix(LIST) + SUFFIX


def plan_tar(address: str, s3: S3Settings, siblings: Siblings) -> Part:
    """The plan of a tar: from the footer of its list, or from its own headers.

    Raises:
        UselessPartError: it is not finished yet, or empty.
        PartError: it is damaged, or its list is.
        StoreError: a place cannot be reached.
    """
    stem = address[: -len(SUFFIX)]
    is_finished = siblings.has(stem + STATS)
    if siblings.has(stem + LIST):
        part = _plan_with_list(address, stem + LIST, s3, is_finished=is_finished)
        if part is not None:
            return part
    elif not is_finished and any(name.endswith(STATS) for name in siblings.beside(address)):
        raise _unfinished(address)
    return _plan_alone(address, s3)


def _plan_with_list(address: str, listed: str, s3: S3Settings, *, is_finished: bool) -> Part | None:
    """None where the parquet beside it is no list of its members."""
    with open_part(listed, s3) as (file, found):
        try:
            rows, schema = _read_footer(file)
        except (pa.ArrowException, OSError, ColumnsError, FooterError) as error:
            if is_finished:
                raise PartError(
                    f"{listed}: the list beside the tar is no sound parquet file ({error})"
                ) from error
            raise _unfinished(address) from error
    if KEY not in schema.names:
        return None
    if set(schema.names) >= IMG2DATASET and not is_finished:
        raise _unfinished(address)
    if rows == 0:
        raise UselessPartError(address, "the list beside it has no rows", "leave it out")
    beside = Beside(address=listed, size=found.size, etag=found.etag)
    with open_part(address, s3, buffer=BUFFER) as (_, version):
        return _part(address, rows, version.size, version.etag, beside)


def _read_footer(file: BinaryIO) -> tuple[int, pa.Schema]:
    parquet = open_file(file)
    rows = require_sound(parquet.metadata, file)
    require_distinct(parquet.schema_arrow)
    require_usable(parquet.schema_arrow)
    return rows, parquet.schema_arrow


def _plan_alone(address: str, s3: S3Settings) -> Part:
    with open_part(address, s3, buffer=BUFFER) as (file, found), tar_errors(address):
        rows = count_samples(file)
    if rows == 0:
        raise UselessPartError(address, "a tar without images", "leave it out, or put its list beside it")
    return _part(address, rows, found.size, found.etag, None)


def _part(address: str, rows: int, size: int, etag: str | None, beside: Beside | None) -> Part:
    return Part(
        id=part_id(address),
        address=address,
        rows=rows,
        size=size,
        etag=etag,
        kind="tar",
        beside=beside,
        file_rows=rows,
    )


def _unfinished(address: str) -> UselessPartError:
    return UselessPartError(
        address, "a shard that img2dataset has not finished", "enqueue it once its _stats.json is there"
    )

"""Tars in WebDataset's layout, alone or with the list that img2dataset writes beside each."""

import pyarrow as pa

from common.archive.img2dataset import COLUMNS, LIST, has_keys
from common.archive.locate import count_samples
from common.archive.tar_part import BUFFER, tar_errors
from common.run.columns import ColumnsError
from common.run.footer import FooterError
from common.run.part import PartError, open_part
from common.run.planned_part import Beside, Part, part_id
from common.settings import S3Settings
from producer.images.row_list import RowList
from producer.images.siblings import Siblings
from producer.images.unfinished import has_others, is_finished, unfinished
from producer.useless import UselessPartError

SUFFIX = ".tar"
COMPRESSED = (".tar.gz", ".tgz", ".tar.zst", ".tar.bz2", ".tar.xz")


def is_tar(address: str) -> bool:
    return address.lower().endswith((SUFFIX, *COMPRESSED))


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
    if address.lower().endswith(COMPRESSED):
        raise UselessPartError(address, "a compressed tar", "decompress it: images gain nothing from it")
    listed = address[: -len(SUFFIX)] + LIST
    if siblings.has(listed):
        rows = _read_list(listed, address, s3, siblings)
        if has_keys(rows.schema):
            return plan_listed_tar(address, rows, s3, siblings)
    elif not is_finished(listed, siblings) and has_others(listed, siblings):
        raise unfinished(address)
    return _plan_alone(address, s3)


def plan_listed_tar(address: str, listed: RowList, s3: S3Settings, siblings: Siblings) -> Part:
    """The plan of a tar with the list beside it, whose column `key` names its members.

    Raises:
        FleetError: as `plan_tar`.
    """
    if set(listed.schema.names) >= COLUMNS and not is_finished(listed.address, siblings):
        raise unfinished(address)
    if listed.rows == 0:
        raise UselessPartError(address, "the list beside it has no rows")
    beside = Beside(address=listed.address, size=listed.version.size, etag=listed.version.etag)
    with open_part(address, s3, buffer=BUFFER) as (_, version):
        return _part(address, listed.rows, version.size, version.etag, beside)


def _read_list(listed: str, address: str, s3: S3Settings, siblings: Siblings) -> RowList:
    with open_part(listed, s3) as (file, found):
        try:
            return RowList.read(listed, file, found)
        except (pa.ArrowException, OSError, ColumnsError, FooterError) as error:
            if not is_finished(listed, siblings):
                raise unfinished(address) from error
            raise PartError(
                f"{listed}: the list beside the tar is no sound parquet file ({error})"
            ) from error


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

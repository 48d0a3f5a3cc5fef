"""Where a run lives: a folder or an S3 prefix, both with create-only writes."""

from pathlib import Path

from common.settings import S3Settings
from common.store.address import (
    AddressError,
    S3Address,
    absolute_path,
    absolute_uri,
    expand_home,
    is_s3,
    is_under,
)
from common.store.base import Entry, OversizeError, Store
from common.store.folder import FolderStore

__all__ = [
    "AddressError",
    "Entry",
    "OversizeError",
    "S3Address",
    "Store",
    "absolute_path",
    "absolute_uri",
    "expand_home",
    "is_s3",
    "is_under",
    "open_store",
]


def open_store(uri: str, settings: S3Settings) -> Store:
    """The store at an absolute URI (`absolute_uri`)."""
    if not is_s3(uri):
        return FolderStore(Path(uri))
    from common.store.s3 import S3Store  # noqa: PLC0415 - loads botocore

    return S3Store(uri, settings)

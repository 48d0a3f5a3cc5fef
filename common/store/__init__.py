"""Where a run lives: a folder or an S3 prefix, both with create-only writes."""

import os
from pathlib import Path

from common.errors import FleetError
from common.settings import S3Settings
from common.store.base import Entry, Store
from common.store.folder import FolderStore
from common.store.s3 import S3Store

__all__ = ["Entry", "Store", "absolute_path", "absolute_uri", "expand_home", "is_under", "open_store"]


def absolute_uri(uri: str) -> str:
    """One spelling for one place: `s3://bucket/prefix` or an absolute path, no slash at the end.

    Raises:
        FleetError: the scheme is neither `s3://` nor a path.
    """
    if uri.startswith("s3://") and len(uri) > len("s3://"):
        return uri.rstrip("/")
    if "://" in uri.removeprefix("file://") or not uri:
        raise FleetError(f"{uri!r}: an output is a folder or s3://bucket/prefix")
    return absolute_path(uri.removeprefix("file://"))


def absolute_path(path: str) -> str:
    """Without `~`, `.` and `..`; links stay, since what they point to may have no telling name.

    Raises:
        FleetError: it begins with `~` and there is no such home.
    """
    return os.path.abspath(expand_home(path))  # noqa: PTH100 - `absolute` keeps `..`, `resolve` drops links


def expand_home(path: str) -> Path:
    """The path with its `~` or `~user` replaced.

    Raises:
        FleetError: there is no such user, or this one has no home.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise FleetError(f"{path}: there is no such home folder; write the path without ~") from error


def is_under(uri: str, root: str) -> bool:
    """Whether the absolute `uri` is `root` itself or lies below it."""
    return uri == root or uri.startswith(root.rstrip("/") + "/")


def open_store(uri: str, settings: S3Settings) -> Store:
    """The store at an absolute URI (`absolute_uri`)."""
    return S3Store(uri, settings) if uri.startswith("s3://") else FolderStore(Path(uri))

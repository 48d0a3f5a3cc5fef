"""Addresses of objects and runs: `s3://bucket/key` as S3 means it, or an absolute path."""

import os
from dataclasses import dataclass
from pathlib import Path

from common.errors import FleetError

SCHEME = "s3://"


@dataclass(frozen=True, slots=True)
class S3Address:
    """A bucket and a key. A key is any text: `#`, `?`, `%` and `//` are parts of it, unlike in a URL."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> "S3Address":
        """Split `s3://bucket/key`; the key is empty where only a bucket is named.

        Raises:
            FleetError: no bucket is named, or a step of the key is `.` or `..`.
        """
        bucket, _, key = uri.removeprefix(SCHEME).partition("/")
        if not is_s3(uri) or not bucket:
            raise FleetError(f"{uri!r}: name a bucket, as in s3://bucket/prefix")
        if {".", ".."} & set(key.split("/")):
            # S3 takes them for names, HTTP clients and gateways to file systems for steps.
            raise FleetError(f"{uri!r}: '.' and '..' have no fixed meaning on S3; write the key without them")
        return cls(bucket, key)

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"


def is_s3(uri: str) -> bool:
    return uri.startswith(SCHEME)


def absolute_uri(uri: str) -> str:
    """One spelling for one place: `s3://bucket/prefix` or an absolute path, no slash at the end.

    Raises:
        FleetError: the scheme is neither `s3://` nor a path, or the address is no place on S3.
    """
    if is_s3(uri):
        return str(S3Address.parse(uri)).rstrip("/")
    if "://" in uri.removeprefix("file://") or not uri:
        raise FleetError(f"{uri!r}: an output is a folder or s3://bucket/prefix")
    return absolute_path(uri.removeprefix("file://"))


def absolute_path(path: str) -> str:
    """Without `~`, `.` and `..`; links stay, since their targets may have no telling names.

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
    """Whether `uri` is the place `root` or lies below it; False unless it is spelt as `absolute_uri` does."""
    return is_absolute(uri) and (uri == root or uri.startswith(root.rstrip("/") + "/"))


def is_absolute(uri: str) -> bool:
    """Whether this is the one spelling of its place."""
    try:
        return absolute_uri(uri) == uri
    except FleetError:
        return False

"""Addresses of objects and runs: `s3://bucket/key` as S3 means it, or an absolute path."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from common.errors import FleetError

SCHEME = "s3://"
BUCKET = re.compile(r"[A-Za-z0-9._-]{1,255}|arn:[^\0]+")
LONGEST_KEY = 1024
"""Bytes (Amazon S3 User Guide, "Naming Amazon S3 objects")."""
LONGEST_NAME = 255
"""Bytes of one step of a path (limits.h, NAME_MAX)."""
SHOWN = 200
"""Characters of a bad address in its error."""


class AddressError(FleetError):
    """An address that names no place, whatever is there."""

    label = "AddressError"


@dataclass(frozen=True, slots=True)
class S3Address:
    """A bucket and a key. A key is any text: `#`, `?`, `%` and `//` are parts of it, unlike in a URL."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> "S3Address":
        """Split `s3://bucket/key`; the key is empty where only a bucket is named.

        Raises:
            AddressError: no bucket is named, the key is too long, or a step of it is `.` or `..`.
        """
        bucket, _, key = uri.removeprefix(SCHEME).partition("/")
        if not is_s3(uri) or not BUCKET.fullmatch(bucket):
            raise AddressError(f"{uri[:SHOWN]!r}: name a bucket, as in s3://bucket/prefix")
        if len(key.encode(errors="surrogatepass")) > LONGEST_KEY or "\0" in key:
            raise AddressError(
                f"{uri[:SHOWN]!r}: a key on S3 has at most {LONGEST_KEY} bytes, and none of them is 0"
            )
        if {".", ".."} & set(key.split("/")):
            # S3 takes them for names, HTTP clients and gateways to file systems for steps.
            raise AddressError(
                f"{uri[:SHOWN]!r}: '.' and '..' have no fixed meaning on S3; write the key without them"
            )
        return cls(bucket, key)

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"


def is_s3(uri: str) -> bool:
    return uri.startswith(SCHEME)


def absolute_uri(uri: str) -> str:
    """One spelling for one place: `s3://bucket/prefix` or an absolute path, no slash at the end.

    Raises:
        AddressError: the scheme is neither `s3://` nor a path, or the address is no place on S3.
    """
    if is_s3(uri):
        return str(S3Address.parse(uri)).rstrip("/")
    if "://" in uri.removeprefix("file://") or not uri:
        raise AddressError(f"{uri[:SHOWN]!r}: an output is a folder or s3://bucket/prefix")
    return absolute_path(uri.removeprefix("file://"))


def absolute_path(path: str) -> str:
    """Without `~`, `.` and `..`; links stay, since their targets may have no telling names.

    Raises:
        AddressError: it begins with `~` and there is no such home, or no file can have such a name.
    """
    if "\0" in path or max(map(len, path.encode(errors="surrogatepass").split(b"/"))) > LONGEST_NAME:
        raise AddressError(
            f"{path[:SHOWN]!r}: no file has such a name; at most {LONGEST_NAME} bytes, and none of them 0"
        )
    return os.path.abspath(expand_home(path))  # noqa: PTH100 - `absolute` keeps `..`, `resolve` drops links


def expand_home(path: str) -> Path:
    """The path with its `~` or `~user` replaced.

    Raises:
        AddressError: there is no such user, or this one has no home.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise AddressError(f"{path}: there is no such home folder; write the path without ~") from error


def is_under(uri: str, root: str) -> bool:
    """Whether `uri` is the place `root` or lies below it; False unless it is spelt as `absolute_uri` does."""
    return is_absolute(uri) and (uri == root or uri.startswith(root.rstrip("/") + "/"))


def is_absolute(uri: str) -> bool:
    """Whether this is the one spelling of its place."""
    try:
        return absolute_uri(uri) == uri
    except AddressError:
        return False

"""From what was typed to the addresses of parts: paths, globs, folders, s3://, hf://."""

import glob
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from common.run.hub import glob_on_hub
from common.run.part import PartError
from common.settings import S3Settings
from common.store import S3Address, absolute_path, expand_home, is_s3
from common.store.s3 import s3_client, s3_errors

WILD = re.compile(r"[*?\[]")
SUFFIX = "*.parquet"


def expand(arguments: Iterable[str], s3: S3Settings) -> list[str]:
    """Absolute addresses of all parts named, each once, globs in alphabetical order.

    Raises:
        PartError: an argument names nothing.
    """
    found = [address for argument in arguments for address in _expand_one(argument, s3)]
    return list(dict.fromkeys(found))


def _expand_one(argument: str, s3: S3Settings) -> list[str]:
    if is_s3(argument):
        addresses = _expand_s3(argument, s3)
    elif argument.startswith("hf://"):
        addresses = glob_on_hub(argument) if WILD.search(argument) else [argument]
    elif "://" in argument.removeprefix("file://"):
        raise PartError(f"{argument}: a part is a path, a quoted glob, s3://bucket/key or hf://datasets/...")
    else:
        addresses = _expand_path(argument.removeprefix("file://"))
    if not addresses:
        raise PartError(f"{argument}: no such part; check the address (globs must match a file)")
    return addresses


def _expand_path(argument: str) -> list[str]:
    path = expand_home(argument)
    if path.is_dir():
        matches = [str(match) for match in path.glob(SUFFIX)]
    elif path.exists() or not WILD.search(argument):
        matches = [str(path)] if path.exists() else []
    else:
        found = glob.glob(str(path), recursive=True)  # noqa: PTH207 - absolute patterns too
        matches = [match for match in found if Path(match).is_file()]
    return sorted(absolute_path(match) for match in matches)


def _expand_s3(argument: str, settings: S3Settings) -> list[str]:
    pattern = argument + SUFFIX if argument.endswith("/") else argument
    if not WILD.search(pattern):
        return [pattern]
    wanted = S3Address.parse(pattern)
    prefix = WILD.split(wanted.key, maxsplit=1)[0]
    with s3_errors(argument):
        pages = (
            s3_client(settings).get_paginator("list_objects_v2").paginate(Bucket=wanted.bucket, Prefix=prefix)
        )
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    if wanted.key in keys:  # an object of this very name, as a file of it would be taken
        return [pattern]
    return sorted(str(S3Address(wanted.bucket, key)) for key in keys if _matches(key, wanted.key))


def _matches(key: str, pattern: str) -> bool:
    """As a shell would: `*` stops at a slash."""
    steps, patterns = key.split("/"), pattern.split("/")
    return len(steps) == len(patterns) and all(map(fnmatchcase, steps, patterns))

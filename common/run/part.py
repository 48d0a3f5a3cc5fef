"""A part: one input file, on disk, on S3 or on the Hugging Face Hub."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from common.errors import ChangedError, FleetError, NoPlaceError, StoreError
from common.run.fingerprint import Fingerprint
from common.run.hub import open_on_hub
from common.run.watched_file import WatchedFile
from common.settings import S3Settings
from common.store.address import SHOWN, is_absolute, is_s3
from common.store.file_system import open_regular

CHANGED = "enqueue it into a new run"
BUFFER = 1 << 20
ON_HUB = re.compile(r"hf://((datasets|spaces|models)/)?[\w.-]+/[\w.-]+(@[^\0/]+)?/[^\0]+")


class PartError(FleetError):
    """A part is unusable: absent, changed, damaged or not of the expected form."""

    label = "PartError"


class AbsentPartError(PartError):
    """There is no such file, although its folder can be listed."""

    label = "AbsentPartError"


class ChangedPartError(PartError):
    """The file is another version than the one that was planned."""

    label = "ChangedPartError"


class DamagedPartError(PartError):
    """The bytes were read, and are not those of such a file."""

    label = "DamagedPartError"


@contextmanager
def open_part(
    address: str,
    s3: S3Settings,
    expected: Fingerprint | None = None,
    *,
    listed: Fingerprint | None = None,
    buffer: int = BUFFER,
) -> Iterator[tuple[BinaryIO, Fingerprint]]:
    """Open a part for random access, with its fingerprint.

    Args:
        address: absolute path, `s3://bucket/key` or `hf://datasets/owner/name[@revision]/path`.
        s3: where S3 is.
        expected: the version that was planned; every read is of this version.
        listed: the version that a listing has just shown, which S3 need not be asked for again.
        buffer: bytes of a request, where it lies elsewhere.

    Raises:
        AbsentPartError: there is no such file, and this machine would see it if there were.
        ChangedPartError: it is not the expected version.
        DamagedPartError: what was read in the block is no sound file.
        RefusedError: the place answers, and does not show the file.
        StoreError: the place cannot be reached.
    """
    file, found = _open_listed(address, s3, listed, buffer) or _open(address, s3, buffer)
    with file:
        if expected is not None and found != expected:
            raise ChangedPartError(f"{address}: changed since it was enqueued; {CHANGED}")
        with _part_errors(address):
            yield file, found


@contextmanager
def _part_errors(address: str) -> Iterator[None]:
    """Every file reports its own failures as `StoreError`: an `OSError` is a reader's word on its bytes."""
    try:
        yield
    except ChangedError as error:
        raise ChangedPartError(f"{error}; {CHANGED}") from error
    except OSError as error:
        reason = " ".join(str(error).split())[:200]
        raise DamagedPartError(f"{address}: damaged ({reason}); repair it and {CHANGED}") from error


def _open_listed(
    address: str, s3: S3Settings, listed: Fingerprint | None, buffer: int
) -> tuple[BinaryIO, Fingerprint] | None:
    if listed is None or listed.etag is None or not (is_s3(address) and is_absolute(address)):
        return None
    from common.run.s3_part import open_listed_on_s3  # noqa: PLC0415 - loads botocore

    return open_listed_on_s3(address, s3, listed.size, listed.etag, buffer)


def _open(address: str, s3: S3Settings, buffer: int) -> tuple[BinaryIO, Fingerprint]:
    if address.startswith("hf://"):
        return _open_hub(address, buffer)
    if not is_absolute(address):
        raise PartError(f"{address[:SHOWN]!r}: no address of a part; {CHANGED}")
    return _open_s3(address, s3, buffer) if is_s3(address) else _open_path(address)


def _open_path(address: str) -> tuple[BinaryIO, Fingerprint]:
    with _path_errors(address):
        file = WatchedFile(open_regular(Path(address)), partial(_path_errors, address))
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        return cast(BinaryIO, file), Fingerprint(size)


def _open_s3(address: str, s3: S3Settings, buffer: int) -> tuple[BinaryIO, Fingerprint]:
    from common.run.s3_part import open_on_s3  # noqa: PLC0415 - loads botocore

    opened = open_on_s3(address, s3, buffer)
    if opened is None:
        raise absent_object(address)
    return opened


def absent_object(address: str) -> AbsentPartError:
    """The error of an object that S3 does not have."""
    return AbsentPartError(f"{address}: there is no such object; check the address")


def _open_hub(address: str, buffer: int) -> tuple[BinaryIO, Fingerprint]:
    if not ON_HUB.fullmatch(address):
        raise PartError(f"{address[:SHOWN]!r}: expected hf://datasets/owner/name[@revision]/path; {CHANGED}")
    try:
        file, size, etag = open_on_hub(address, buffer)
    except FileNotFoundError as error:
        raise AbsentPartError(f"{address}: the Hub has no such file; check the address") from error
    return file, Fingerprint(size, etag)


@contextmanager
def _path_errors(address: str) -> Iterator[None]:
    """A local path that cannot be read is the machine's failure: a mount, a permission, a disk.

    But a pipe and a device are bad addresses.
    """
    try:
        yield
    except NoPlaceError as error:
        raise PartError(str(error)) from error
    except OSError as error:
        raise StoreError(
            f"{address}: {error.strerror or error}; check the path, and that its disk is mounted here"
        ) from error

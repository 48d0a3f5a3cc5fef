"""A part: one input parquet file, on disk, on S3 or on the Hugging Face Hub."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from botocore.exceptions import ClientError

from common.errors import FleetError
from common.run.hub import BUFFER, hub_errors, open_on_hub
from common.settings import S3Settings
from common.store.address import S3Address, is_s3
from common.store.s3 import error_code, s3_client, s3_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHANGED = frozenset({"PreconditionFailed", "412"})


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What tells one version of a file from the next: bytes, and an etag where the place has one."""

    size: int
    etag: str | None = None


class PartError(FleetError):
    """A part is missing, changed or no parquet file."""


@contextmanager
def open_part(
    address: str, s3: S3Settings, expected: Fingerprint | None = None
) -> Iterator[tuple[BinaryIO, Fingerprint]]:
    """Open a part for random access, with its fingerprint.

    Args:
        address: absolute path, `s3://bucket/key` or `hf://datasets/owner/name[@revision]/path`.
        s3: where S3 is.
        expected: the version that was planned; every read is of this version.

    Raises:
        PartError: there is no such file, or it is not the expected version.
        StoreError: the place cannot be reached.
    """
    file, found = _open(address, s3)
    with file:
        if expected is not None and found != expected:
            raise PartError(f"{address}: changed since it was enqueued; enqueue it into a new run")
        with _reading(address):
            yield file, found


@contextmanager
def _reading(address: str) -> Iterator[None]:
    if address.startswith("hf://"):
        with hub_errors(address):
            yield
        return
    try:
        yield
    except OSError as error:
        reason = " ".join(str(error).split())
        raise PartError(f"{address}: damaged ({reason}); repair it and enqueue a new run") from error


def _open(address: str, s3: S3Settings) -> tuple[BinaryIO, Fingerprint]:
    if is_s3(address):
        return _open_s3(address, s3)
    if address.startswith("hf://"):
        return _open_hub(address)
    return _open_path(address)


def _open_path(address: str) -> tuple[BinaryIO, Fingerprint]:
    try:
        file = Path(address).open("rb")  # noqa: SIM115 - `open_part` closes it
    except OSError as error:
        raise PartError(f"{address}: {error.strerror}; check the path") from error
    return file, Fingerprint(file.seek(0, io.SEEK_END))


def _open_s3(address: str, settings: S3Settings) -> tuple[BinaryIO, Fingerprint]:
    place = S3Address.parse(address)
    with s3_errors(address):
        client = s3_client(settings)
        try:
            head = client.head_object(Bucket=place.bucket, Key=place.key)
        except ClientError as error:
            if error_code(error) == "404":
                raise PartError(f"{address}: there is no such object; check the address") from error
            raise
    found = Fingerprint(head["ContentLength"], head["ETag"].strip('"'))
    raw = _S3Reader(client, place, found)
    return cast(BinaryIO, io.BufferedReader(raw, BUFFER)), found


def _open_hub(address: str) -> tuple[BinaryIO, Fingerprint]:
    try:
        file, size, etag = open_on_hub(address)
    except FileNotFoundError as error:
        raise PartError(f"{address}: the Hub has no such file; check the address, or log in") from error
    return file, Fingerprint(size, etag)


class _S3Reader(io.RawIOBase):
    """Ranged reads of one version of an object: S3 itself refuses them once the etag differs."""

    def __init__(self, client: "S3Client", place: S3Address, version: Fingerprint) -> None:
        self._client, self._place, self._version = client, place, version
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._version.size}[whence]
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        end = min(self._position + len(buffer), self._version.size)
        if end <= self._position:
            return 0
        body = self._range(self._position, end)
        buffer[: len(body)] = body
        self._position += len(body)
        return len(body)

    def _range(self, start: int, end: int) -> bytes:
        address = str(self._place)
        with s3_errors(address):
            try:
                answer = self._client.get_object(
                    Bucket=self._place.bucket,
                    Key=self._place.key,
                    Range=f"bytes={start}-{end - 1}",
                    IfMatch=self._version.etag or "*",
                )
                return answer["Body"].read()
            except ClientError as error:
                if error_code(error) in CHANGED:
                    raise PartError(
                        f"{address}: changed while it was read; enqueue it into a new run"
                    ) from error
                raise

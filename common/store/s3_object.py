"""One version of an object on S3, for random access."""

import io
from contextlib import closing
from typing import Any, BinaryIO, cast

from botocore.exceptions import ClientError

from common.errors import ChangedError, RefusedError
from common.store.address import S3Address
from common.store.connection import Connection
from common.store.s3_errors import EXISTS, MISSING, error_code

BUFFER = 1 << 20
MOST = 8 << 20
"""Bytes of a request: a page of parquet may have a hundred megabytes, and would be held twice."""


def open_object(
    connection: Connection, place: S3Address, buffer: int = BUFFER
) -> tuple[BinaryIO, int, str] | None:
    """The object, read in requests of `buffer` bytes, its size and its etag; None where there is none.

    Raises:
        StoreError: S3 cannot be reached, or refuses.
    """
    head = connection.call(str(place), lambda client: _head(client, place))
    if head is None:
        return None
    size, etag = head["ContentLength"], head["ETag"].strip('"')
    return open_version(connection, place, size, etag, buffer), size, etag


def open_version(
    connection: Connection, place: S3Address, size: int, etag: str, buffer: int = BUFFER
) -> BinaryIO:
    """A version of an object that is known by its size in bytes and its etag."""
    return cast(BinaryIO, io.BufferedReader(_RangeReader(connection, place, size, etag), buffer))


def read_object(connection: Connection, place: S3Address, max_bytes: int) -> tuple[int, bytes | None] | None:
    """Size and bytes of an object, in one request; no bytes where they are over `max_bytes`.

    Returns:
        None where there is no object.

    Raises:
        StoreError: S3 cannot be reached, or refuses.
    """
    return connection.call(str(place), lambda client: _get(client, place, max_bytes))


def require_neighbour(connection: Connection, place: S3Address) -> None:
    """Raise unless the folder of an object that is said to be missing shows another one.

    Without the right to list, S3 and its like say of what they hide that it is not there.

    Raises:
        RefusedError: its folder cannot be listed, seems empty, or shows the object itself.
    """
    folder = S3Address(place.bucket, place.key.rpartition("/")[0])
    prefix = S3Address(place.bucket, f"{folder.key}/" if folder.key else "")
    page = next(connection.pages(prefix, MaxKeys=100))
    keys = {item["Key"] for item in page.get("Contents", [])}
    if place.key in keys or not keys:
        raise RefusedError(
            f"{place}: S3 says that there is no such object, but shows none beside it either;"
            " check the address, and the rights s3:GetObject and s3:ListBucket of these credentials"
        )


def _head(client: Any, place: S3Address) -> Any:
    try:
        return client.head_object(Bucket=place.bucket, Key=place.key)
    except ClientError as error:
        if error_code(error) in MISSING:
            return None
        raise


def _get(client: Any, place: S3Address, max_bytes: int) -> tuple[int, bytes | None] | None:
    try:
        answer = client.get_object(Bucket=place.bucket, Key=place.key)
        with closing(answer["Body"]) as body:
            size = answer["ContentLength"]
            return size, body.read() if size <= max_bytes else None
    except ClientError as error:
        if error_code(error) in MISSING:
            return None
        raise


class _RangeReader(io.RawIOBase):
    """Ranged reads of one version of an object: S3 itself refuses them once the etag differs.

    The last answer is kept, since a buffer forgets what it holds at each seek from the end, and readers of
    parquet look at the end again and again.
    """

    def __init__(self, connection: Connection, place: S3Address, size: int, etag: str) -> None:
        self._connection, self._place, self._size, self._etag = connection, place, size, etag
        self._position = 0
        self._kept_from, self._kept = 0, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def readall(self) -> bytes:
        """The rest, in requests of `MOST` bytes; the base class would make one for each 8 KB."""
        return b"".join(iter(lambda: self.read(max(self._size - self._position, 0)) or b"", b""))

    def readinto(self, buffer: Any) -> int:
        end = min(self._position + min(len(buffer), MOST), self._size)
        if end <= self._position:
            return 0
        start = self._position
        body = (
            self._kept[start - self._kept_from : end - self._kept_from] if start >= self._kept_from else b""
        )
        if not body:
            body = self._connection.call(str(self._place), lambda client: self._range(client, start, end))
            self._kept_from, self._kept = start, body
        buffer[: len(body)] = body
        self._position += len(body)
        return len(body)

    def _range(self, client: Any, start: int, end: int) -> bytes:
        place = self._place
        try:
            answer = client.get_object(
                Bucket=place.bucket,
                Key=place.key,
                Range=f"bytes={start}-{end - 1}",
                IfMatch=self._etag or "*",
            )
            return cast(bytes, answer["Body"].read())
        except ClientError as error:
            if error_code(error) in EXISTS:
                raise ChangedError(f"{place}: changed while it was read") from error
            raise

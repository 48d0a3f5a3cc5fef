"""Parts on S3; loads botocore, which parts in folders do without."""

from typing import BinaryIO

from common.run.fingerprint import Fingerprint
from common.settings import S3Settings
from common.store.address import S3Address
from common.store.connection import connect_s3
from common.store.s3_object import open_object, open_version, read_object, require_neighbour


def open_on_s3(address: str, settings: S3Settings, buffer: int) -> tuple[BinaryIO, Fingerprint] | None:
    """An object for random access in requests of `buffer` bytes; None where there is none.

    Raises:
        RefusedError: S3 refuses, or may only hide it.
        StoreError: S3 cannot be reached.
    """
    place, connection = S3Address.parse(address), connect_s3(settings)
    opened = open_object(connection, place, buffer)
    if opened is None:
        require_neighbour(connection, place)
        return None
    file, size, etag = opened
    return file, Fingerprint(size, etag)


def open_listed_on_s3(
    address: str, settings: S3Settings, size: int, etag: str, buffer: int
) -> tuple[BinaryIO, Fingerprint]:
    """As `open_on_s3`, of the version that a listing has just shown: the first request is a read."""
    file = open_version(connect_s3(settings), S3Address.parse(address), size, etag, buffer)
    return file, Fingerprint(size, etag)


def read_on_s3(address: str, settings: S3Settings, max_bytes: int) -> tuple[int, bytes | None] | None:
    """Size and bytes of an object, no bytes where they are over `max_bytes`; None where there is none.

    Raises:
        RefusedError: S3 refuses, or may only hide it.
        StoreError: S3 cannot be reached.
    """
    place, connection = S3Address.parse(address), connect_s3(settings)
    read = read_object(connection, place, max_bytes)
    if read is None:
        require_neighbour(connection, place)
    return read

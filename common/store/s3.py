"""A store under an S3 prefix: `If-None-Match: *` is its create-only write."""

import io
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from botocore.exceptions import ClientError

from common.errors import StoreError
from common.settings import S3Settings
from common.store.address import S3Address
from common.store.base import RECORD_BYTES, Entry, OversizeError
from common.store.connection import connect_s3
from common.store.s3_errors import CONFLICT, EXISTS, MISSING, UNSUPPORTED, error_code, is_about_checksums
from common.store.s3_object import open_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

CONFLICT_TRIES = 5
DELETED_AT_ONCE = 1000
"""Keys of one DeleteObjects: S3 takes no more."""

SHARD_BYTES = 256 << 20
"""The largest object that comes whole where it is opened."""


class S3Store:
    """Objects under `s3://bucket/prefix`; see `Store`."""

    def __init__(self, uri: str, settings: S3Settings) -> None:
        self.uri = uri
        address = S3Address.parse(uri)
        self._bucket, self._prefix = address.bucket, address.key
        self._connection = connect_s3(settings)

    def _key(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key

    def create(self, key: str, body: bytes) -> bool:
        """One conditional PutObject with a checksum; a 409 is a race to be run again."""
        return self._put(key, io.BytesIO(body))

    def create_file(self, key: str, file: Path) -> bool:
        with file.open("rb") as body:
            return self._put(key, body)

    def _put(self, key: str, body: BinaryIO) -> bool:
        for _ in range(CONFLICT_TRIES):
            outcome = self._connection.call(self.uri, lambda client: self._try_put(client, key, body))
            if outcome is not None:
                return outcome
        raise StoreError(f"{self.uri}: {key} met {CONFLICT_TRIES} conflicting writes in a row; try again")

    def _try_put(self, client: "S3Client", key: str, body: BinaryIO) -> bool | None:
        body.seek(0)
        try:
            client.put_object(
                Bucket=self._bucket,
                Key=self._key(key),
                Body=body,
                IfNoneMatch="*",
                **self._connection.sum_of(),
            )
        except ClientError as error:
            if error_code(error) in EXISTS:
                return False
            if error_code(error) in CONFLICT:
                return None
            if error_code(error) in UNSUPPORTED and not is_about_checksums(error):
                raise StoreError(
                    f"{self.uri}: this store has no conditional write (If-None-Match: *; it answered"
                    f" {error_code(error)}); use one that has, or a folder"
                ) from error
            raise
        return True

    def read(self, key: str, most: int = RECORD_BYTES) -> bytes | None:
        return self._connection.call(self.uri, lambda client: self._read(client, key, most))

    def _read(self, client: "S3Client", key: str, most: int) -> bytes | None:
        try:
            answer = client.get_object(Bucket=self._bucket, Key=self._key(key))
            with closing(answer["Body"]) as body:
                if answer["ContentLength"] > most:
                    raise OversizeError(self.uri, key, most)
                return body.read()
        except ClientError as error:
            if error_code(error) in MISSING:
                return None
            raise

    def open(self, key: str) -> BinaryIO | None:
        try:
            body = self.read(key, SHARD_BYTES)
        except OversizeError:
            return self.open_ranges(key)
        return None if body is None else io.BytesIO(body)

    def open_ranges(self, key: str) -> BinaryIO | None:
        found = open_object(self._connection, S3Address(self._bucket, self._key(key)))
        return None if found is None else found[0]

    def exists(self, key: str) -> bool:
        return self._connection.call(self.uri, lambda client: self._exists(client, key))

    def _exists(self, client: "S3Client", key: str) -> bool:
        try:
            client.head_object(Bucket=self._bucket, Key=self._key(key))
        except ClientError as error:
            if error_code(error) in MISSING:
                return False
            raise
        return True

    def list(self, prefix: str, name: str = "") -> Iterator[Entry]:
        root = self._key(prefix).rstrip("/") + "/" if self._key(prefix) else ""
        cut = len(self._key(""))
        for page in self._connection.pages(S3Address(self._bucket, root + name)):
            for item in page.get("Contents", []):
                yield Entry(item["Key"][cut:], item["Size"], item.get("LastModified"))

    def replace(self, key: str, body: bytes) -> None:
        self._connection.call(
            self.uri,
            lambda client: client.put_object(
                Bucket=self._bucket, Key=self._key(key), Body=body, **self._connection.sum_of()
            ),
        )

    def delete(self, key: str) -> None:
        self._connection.call(
            self.uri, lambda client: client.delete_object(Bucket=self._bucket, Key=self._key(key))
        )

    def delete_all(self, keys: Sequence[str]) -> None:
        for start in range(0, len(keys), DELETED_AT_ONCE):
            some = [self._key(key) for key in keys[start : start + DELETED_AT_ONCE]]
            gone = self._connection.call(self.uri, lambda client: self._delete_some(client, some))  # noqa: B023
            for key in keys[start : start + DELETED_AT_ONCE]:
                if self._key(key) not in gone:
                    self.delete(key)

    def _delete_some(self, client: "S3Client", keys: Sequence[str]) -> set[str]:
        """Those that one DeleteObjects says it deleted; not every server knows it."""
        objects: list[ObjectIdentifierTypeDef] = [{"Key": key} for key in keys]
        try:
            answer = client.delete_objects(
                Bucket=self._bucket, Delete={"Objects": objects}, **self._connection.sum_of()
            )
        except ClientError:  # deleting them one by one shows the error
            return set()
        return {deleted["Key"] for deleted in answer.get("Deleted", []) if "Key" in deleted}

    @contextmanager
    def trial(self, key: str) -> Iterator[None]:
        try:
            yield
        finally:
            with suppress(StoreError):  # without the right to delete it stays, under a name of its own
                self.delete(key)

    def check_writable(self) -> None:
        """Start an upload and abort it: needs the right to write, and writes nothing."""
        self._connection.call(self.uri, self._begin_upload)

    def _begin_upload(self, client: "S3Client") -> None:
        key = self._key("run.json")
        upload = client.create_multipart_upload(Bucket=self._bucket, Key=key)
        client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload["UploadId"])

"""A store under an S3 prefix: `If-None-Match: *` is its create-only write."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from common.errors import StoreError
from common.settings import S3Settings
from common.store.base import Entry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EXISTS = frozenset({"PreconditionFailed", "412"})
CONFLICT = frozenset({"ConditionalRequestConflict", "409"})
MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
DENIED = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "403", "ExpiredToken"})
CONFLICT_TRIES = 5


def s3_client(settings: S3Settings) -> "S3Client":
    """A client whose credentials boto3 found; short time-outs, because a batch can be put back."""
    import boto3  # noqa: PLC0415 - a second of start-up that folders need not pay

    config = Config(
        connect_timeout=5,
        read_timeout=30,
        retries={"mode": "standard", "max_attempts": 4},
        max_pool_connections=16,
    )
    # A session of its own: the default one would remember the first credentials for good.
    return boto3.Session().client("s3", endpoint_url=settings.endpoint_url, config=config)


def split_s3_uri(uri: str) -> tuple[str, str]:
    """`s3://bucket/a/b` as ("bucket", "a/b")."""
    parts = urlsplit(uri)
    return parts.netloc, parts.path.strip("/")


class S3Store:
    """Objects under `s3://bucket/prefix`; see `Store`."""

    def __init__(self, uri: str, settings: S3Settings) -> None:
        self.uri = uri
        self._bucket, self._prefix = split_s3_uri(uri)
        with s3_errors(uri):
            self._client = s3_client(settings)

    def _key(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key

    def create(self, key: str, body: bytes) -> bool:
        """One conditional PutObject with a SHA-256 checksum; a 409 is a race to be run again."""
        return self._put(key, io.BytesIO(body))

    def create_file(self, key: str, file: Path) -> bool:
        with file.open("rb") as body:
            return self._put(key, body)

    def _put(self, key: str, body: BinaryIO) -> bool:
        with s3_errors(self.uri):
            for _ in range(CONFLICT_TRIES):
                body.seek(0)
                outcome = self._put_once(key, body)
                if outcome is not None:
                    return outcome
        raise StoreError(f"{self.uri}: {key} met {CONFLICT_TRIES} conflicting writes in a row; try again")

    def _put_once(self, key: str, body: BinaryIO) -> bool | None:
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=self._key(key),
                Body=body,
                IfNoneMatch="*",
                ChecksumAlgorithm="SHA256",
            )
        except ClientError as error:
            if error_code(error) in EXISTS:
                return False
            if error_code(error) in CONFLICT:
                return None
            raise
        return True

    def read(self, key: str) -> bytes | None:
        with s3_errors(self.uri):
            try:
                return self._client.get_object(Bucket=self._bucket, Key=self._key(key))["Body"].read()
            except ClientError as error:
                if error_code(error) in MISSING:
                    return None
                raise

    def open(self, key: str) -> BinaryIO | None:
        body = self.read(key)
        return None if body is None else io.BytesIO(body)

    def exists(self, key: str) -> bool:
        with s3_errors(self.uri):
            try:
                self._client.head_object(Bucket=self._bucket, Key=self._key(key))
            except ClientError as error:
                if error_code(error) in MISSING:
                    return False
                raise
        return True

    def list(self, prefix: str) -> Iterator[Entry]:
        root = self._key(prefix).rstrip("/") + "/"
        cut = len(self._key(""))
        with s3_errors(self.uri):
            for page in self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=root
            ):
                for item in page.get("Contents", []):
                    yield Entry(item["Key"][cut:], item["Size"], item["LastModified"])

    def replace(self, key: str, body: bytes) -> None:
        with s3_errors(self.uri):
            self._client.put_object(
                Bucket=self._bucket, Key=self._key(key), Body=body, ChecksumAlgorithm="SHA256"
            )

    def delete(self, key: str) -> None:
        with s3_errors(self.uri):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(key))

    def check_writable(self) -> None:
        """Start an upload and abort it: needs the right to write, and writes nothing."""
        with s3_errors(self.uri):
            upload = self._client.create_multipart_upload(Bucket=self._bucket, Key=self._key("run.json"))
            self._client.abort_multipart_upload(
                Bucket=self._bucket, Key=self._key("run.json"), UploadId=upload["UploadId"]
            )


def error_code(error: ClientError) -> str:
    """S3's word for what went wrong, or the HTTP status where it sent none."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def s3_errors(uri: str) -> Iterator[None]:
    """Turn botocore's exceptions into one line about `uri`."""
    try:
        yield
    except ClientError as error:
        code = error_code(error)
        if code in DENIED:
            raise StoreError(
                f"{uri}: S3 refused the credentials ({code}); check the keys and their rights"
            ) from error
        if code == "NoSuchBucket":
            raise StoreError(f"{uri}: there is no such bucket; create it or correct the address") from error
        raise StoreError(f"{uri}: S3 answered {code}: {error}") from error
    except (BotoCoreError, ValueError) as error:
        raise StoreError(f"{uri}: {error}; check FLEET_S3_ENDPOINT_URL and the credentials") from error

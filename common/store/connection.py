"""The link to S3 that all threads of a process share, with credentials that may change under it."""

import os
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from common.errors import StoreError
from common.settings import S3Settings
from common.store.address import S3Address
from common.store.listing_page import parse_items, parse_time
from common.store.s3_errors import is_refusal, s3_errors

if TYPE_CHECKING:
    from botocore.loaders import Loader
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef

POOL = 64
"""Requests at once; each thread beyond would open a connection for every request."""

_connecting = Lock()
"""Of many threads that ask at once, one builds the client: the first takes 16 MB and a fifth of a second."""

T = TypeVar("T")


class Connection:
    """One client of boto3, built anew from the provider chain where its credentials are refused."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._building = Lock()
        self._client, self._source = _build(settings)

    def call(self, uri: str, request: Callable[["S3Client"], T]) -> T:
        """Make a request about `uri`, and once more with new credentials where they are refused.

        Args:
            uri: named in every error.
            request: may be called twice.

        Raises:
            RefusedError: the credentials, or their rights, do not suffice.
            StoreError: S3 cannot be reached, or failed.
        """
        with s3_errors(uri, self._source):
            client = self._client
            try:
                return request(client)
            except (BotoCoreError, ClientError) as error:
                if not is_refusal(error):
                    raise
                client = self._renew(client)
            return request(client)

    def pages(self, prefix: S3Address, **options: Any) -> "Iterator[ListObjectsV2OutputTypeDef]":
        """The listing of all keys that begin as `prefix` does, a page of up to 1,000 at a time."""
        uri, token = str(prefix), dict[str, str]()
        while True:
            request: dict[str, Any] = {"Bucket": prefix.bucket, "Prefix": prefix.key, **options, **token}
            page = self.call(uri, lambda client: client.list_objects_v2(**request))  # noqa: B023 - called here
            yield page
            following = page.get("NextContinuationToken")
            if not page.get("IsTruncated"):
                return
            if following is None or token.get("ContinuationToken") == following:
                raise StoreError(f"{uri}: S3 cut the listing short and does not go on; try again")
            token = {"ContinuationToken": following}

    def sum_of(self) -> dict[Literal["ChecksumAlgorithm"], Any]:
        """The checksum arguments of a write."""
        name = self._settings.checksum
        return {} if name == "none" else {"ChecksumAlgorithm": name.upper()}

    def _renew(self, refused: "S3Client") -> "S3Client":
        """A client with the credentials of today; of many threads that ask, one builds it."""
        with self._building:
            if self._client is refused:
                self._client, self._source = _build(self._settings)
            return self._client


def connect_s3(settings: S3Settings) -> Connection:
    """The connection of this process to the S3 of these settings.

    Raises:
        StoreError: the settings name no endpoint that can be.
    """
    environment = tuple(sorted((k, v) for k, v in os.environ.items() if k.startswith("AWS_")))
    with _connecting:
        return _connection(settings, environment)


@lru_cache(maxsize=4)
def _connection(settings: S3Settings, _environment: tuple[tuple[str, str], ...]) -> Connection:
    with s3_errors(settings.endpoint_url or "S3"):
        return Connection(settings)


def _build(settings: S3Settings) -> "tuple[S3Client, str]":
    """A client whose credentials boto3 found, and where; short time-outs, since a batch can be put back."""
    import boto3  # noqa: PLC0415 - a second of start-up that folders need not pay
    import botocore.session  # noqa: PLC0415

    # A session of its own: the default one would remember the first credentials for good.
    core = botocore.session.get_session()
    core.register_component("data_loader", _descriptions(core.get_config_variable("data_path")))
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=parse_time)
    session = boto3.Session(botocore_session=core)
    client = session.client("s3", endpoint_url=settings.endpoint_url, config=_config(settings))
    client.meta.events.register("before-parse.s3.ListObjectsV2", parse_items)
    credentials = session.get_credentials()
    return client, str(credentials.method if credentials else "nowhere")


@cache
def _descriptions(path: str | None) -> "Loader":
    """The SDK's descriptions of S3: to read them is nine tenths of the time that a client takes."""
    from botocore.loaders import create_loader  # noqa: PLC0415

    return create_loader(path)


def _config(settings: S3Settings) -> Config:
    when: Literal["when_required", "when_supported"]
    when = "when_required" if settings.checksum == "none" else "when_supported"
    return Config(
        connect_timeout=5,
        read_timeout=30,
        retries={"mode": "standard", "max_attempts": 4},
        max_pool_connections=POOL,
        request_checksum_calculation=when,
        response_checksum_validation=when,
    )

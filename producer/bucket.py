"""The addresses of what lies under a prefix on S3."""

from collections.abc import Iterator

from common.settings import S3Settings
from common.store import S3Address
from common.store.s3 import s3_client, s3_errors


def list_folder(folder: str, settings: S3Settings) -> Iterator[str]:
    """The address of every object below the address `folder`.

    Raises:
        StoreError: S3 cannot be reached, or refuses.
    """
    place = S3Address.parse(folder)
    prefix = f"{place.key}/" if place.key else ""
    with s3_errors(folder):
        pages = (
            s3_client(settings).get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=prefix)
        )
        for page in pages:
            for item in page.get("Contents", []):
                yield str(S3Address(place.bucket, item["Key"]))

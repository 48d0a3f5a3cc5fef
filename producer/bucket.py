"""The addresses of what lies under a prefix on S3."""

from collections.abc import Iterator

from common.settings import S3Settings
from common.store.s3 import s3_client, s3_errors, split_s3_uri


def list_folder(folder: str, settings: S3Settings) -> Iterator[str]:
    """The address of every object below the address `folder`.

    Raises:
        StoreError: S3 cannot be reached, or refuses.
    """
    bucket, key = split_s3_uri(folder)
    prefix = f"{key}/" if key else ""
    with s3_errors(folder):
        pages = s3_client(settings).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for item in page.get("Contents", []):
                yield f"s3://{bucket}/{item['Key']}"

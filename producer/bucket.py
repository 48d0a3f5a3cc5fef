"""The addresses of the objects under a prefix on S3."""

from collections.abc import Iterator

from common.run.fingerprint import Fingerprint
from common.settings import S3Settings
from common.store import S3Address


def list_folder(folder: str, settings: S3Settings) -> Iterator[tuple[str, Fingerprint]]:
    """Address and fingerprint of every object below the address `folder`.

    Raises:
        StoreError: S3 cannot be reached, or refuses.
    """
    from common.store.connection import connect_s3  # noqa: PLC0415 - loads botocore

    place = S3Address.parse(folder)
    prefix = f"{place.key}/" if place.key else ""
    for page in connect_s3(settings).pages(S3Address(place.bucket, prefix)):
        for item in page.get("Contents", []):
            etag = item.get("ETag", "").strip('"') or None
            yield str(S3Address(place.bucket, item["Key"])), Fingerprint(item["Size"], etag)

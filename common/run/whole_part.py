"""The whole of a small file, in as few requests as its place allows."""

from common.run.part import absent_object, open_part
from common.settings import S3Settings
from common.store.address import is_absolute, is_s3


def read_whole_part(address: str, s3: S3Settings, max_bytes: int) -> tuple[int, bytes | None]:
    """Size and bytes of a file; no bytes where they are over `max_bytes`.

    Args:
        address: as `open_part` takes it.
        s3: where S3 is.
        max_bytes: that are read.

    Raises:
        FleetError: as `open_part`.
    """
    if is_s3(address) and is_absolute(address):
        from common.run.s3_part import read_on_s3  # noqa: PLC0415 - loads botocore

        read = read_on_s3(address, s3, max_bytes)
        if read is None:
            raise absent_object(address)
        return read
    with open_part(address, s3) as (file, found):
        return found.size, file.read(found.size) if found.size <= max_bytes else None

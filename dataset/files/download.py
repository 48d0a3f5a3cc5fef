"""A file of any place on the local disk."""

import shutil
from pathlib import Path

from common.run.part import open_part
from common.settings import S3Settings


def download(address: str, path: Path, s3: S3Settings) -> None:
    """Copy the file at `address` (`common.run.part`) to `path`, byte for byte."""
    with open_part(address, s3) as (source, _), path.open("wb") as sink:
        source.seek(0)
        shutil.copyfileobj(source, sink)

"""The inputs of this folder, and archives made on the spot."""

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).parent
IMG2DATASET = HERE / "img2dataset"
AS_IS = HERE / "img2dataset-as-is"
FILES = HERE / "img2dataset-files"
SHAPES = HERE / "shapes.tar"
COLUMN = HERE / "images.parquet"
FOLDER = HERE / "folder"
JPEG = (FOLDER / "1.jpg").read_bytes()


def pack(members: Iterable[tuple[str, bytes]], layout: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar of these members."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=layout) as archive:
        for name, body in members:
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return sink.getvalue()


def samples(count: int) -> list[tuple[str, bytes]]:
    """Members of some samples: image, text and JSON each."""
    return [
        (f"{number:06d}.{extension}", body)
        for number in range(count)
        for extension, body in (("jpg", b"x" * (37 * number)), ("txt", b"a text"), ("json", b"{}"))
    ]

"""The same images as tars, parquet, a folder and links: inputs of `tests.benchmarks.sources`."""

import io
import tarfile
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.image_server import HOSTS
from tests.benchmarks.images import draw_images

DISTINCT = 400
"""Images; further rows repeat them, far from each other."""

HELD = {
    "tar": "alone/00000.tar",
    "tar with its list": "listed/00000.tar",
    "parquet": "images.parquet",
    "folder": "folder",
}
"""Where each kind of input lies."""

LINKS = "links.parquet"


def write_inputs(folder: Path, rows: int) -> None:
    """All inputs, of `rows` rows each."""
    bodies = list(draw_images(min(rows, DISTINCT)))
    for name in ("alone", "listed", "folder"):
        (folder / name).mkdir()
    _write_tar(folder / HELD["tar"], bodies, rows)
    (folder / HELD["tar with its list"]).hardlink_to(folder / HELD["tar"])
    keys = [_key(row) for row in range(rows)]
    listed = {"key": keys, "url": keys, "caption": keys, "status": ["success"] * rows}
    pq.write_table(pa.table(listed), folder / "listed/00000.parquet")
    (folder / "listed/00000_stats.json").write_text("{}")
    _write_parquet(folder / HELD["parquet"], bodies, rows)
    for key, body in zip(keys, cycle(bodies), strict=False):
        (folder / "folder" / f"{key}.jpg").write_bytes(body)


def write_links(folder: Path, port: int, rows: int) -> None:
    """Links to images alone: the server has none for every fifth number."""
    numbers = islice((number for number in range(2 * rows) if number % 5), rows)
    urls = [f"http://{HOSTS[number % len(HOSTS)]}:{port}/{number}.jpg" for number in numbers]
    pq.write_table(pa.table({"URL": urls, "TEXT": urls}), folder / LINKS)


def _key(row: int) -> str:
    return f"{row:09d}"


def _write_tar(path: Path, bodies: list[bytes], rows: int) -> None:
    """As img2dataset writes it: three members a sample, in pax format."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for row, body in _rows(bodies, rows):
            for extension, content in (("jpg", body), ("json", b'{"width": 500}'), ("txt", b"a caption")):
                info = tarfile.TarInfo(f"{_key(row)}.{extension}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))


def _write_parquet(path: Path, bodies: list[bytes], rows: int) -> None:
    """As `datasets` writes it: uncompressed, row groups of about 100 MB."""
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    images = [{"bytes": body, "path": f"{row}.jpg"} for row, body in _rows(bodies, rows)]
    group = max(1, (100 << 20) * len(bodies) // sum(map(len, bodies)))
    table = pa.table({"image": pa.array(images, kind), "caption": [_key(row) for row in range(rows)]})
    pq.write_table(table, path, compression="none", row_group_size=group)


def _rows(bodies: list[bytes], rows: int) -> Iterator[tuple[int, bytes]]:
    return zip(range(rows), cycle(bodies), strict=False)

"""Two part files as LAION writes them, over the demo's web: mostly pictures, and every kind of failure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.demo.site import DrawnImage, Site

ALT_TEXTS = (
    "IMG_{number:04d}.JPG",
    "Buy {words} online - free shipping",
    "{words} | stock photo #{number}",
    "",
    "thumbnail",
    "Shapes and Colours, page {number}",
)
SCHEMA = pa.schema(
    [
        ("URL", pa.string()),
        ("TEXT", pa.string()),
        ("WIDTH", pa.int32()),
        ("HEIGHT", pa.int32()),
        ("similarity", pa.float64()),
        ("hash", pa.int64()),
        ("pwatermark", pa.float32()),
        ("punsafe", pa.float32()),
    ]
)


@dataclass(frozen=True, slots=True)
class Link:
    """One row: where it points, what the web page said of it, and what is true of it."""

    url: str
    text: str
    image: DrawnImage | None = None


def links(site: Site, drawn: Sequence[DrawnImage]) -> list[Link]:
    """Every picture once, with the failures of the open web between them."""
    good = [
        Link(site.url + image.path, _alt_text(number, image), image) for number, image in enumerate(drawn)
    ]
    bad = _failures(site, drawn)
    step = len(good) // len(bad)
    mixed: list[Link] = []
    for number, link in enumerate(bad):
        mixed += [*good[number * step : (number + 1) * step], link]
    return mixed + good[len(bad) * step :]


def write_parts(folder: Path, rows: Sequence[Link]) -> list[Path]:
    """`part-00000.parquet` and `part-00001.parquet`, half the rows each."""
    folder.mkdir(parents=True, exist_ok=True)
    middle = len(rows) // 2
    paths = [folder / f"part-{number:05d}.parquet" for number in range(2)]
    for path, half in zip(paths, (rows[:middle], rows[middle:]), strict=True):
        pq.write_table(_table(half), path)
    return paths


def _failures(site: Site, drawn: Sequence[DrawnImage]) -> list[Link]:
    names = [image.path.rsplit("/", 1)[1] for image in drawn]
    jpegs = [name for name in names if name.endswith("jpeg")]
    return [
        *(Link(f"{site.url}/pictures/gone-{number}.jpeg", "a page that is gone") for number in range(8)),
        *(Link(f"{site.url}/truncated/{name}", "cut off") for name in jpegs[:4]),
        *(Link(f"{site.url}/page/{name}", "a page, not a picture") for name in names[:3]),
        *(Link(f"{site.url}/broken/{name}", "a broken server") for name in names[:2]),
        *(Link(f"{site.url}/no-ai/{name}", "not for machines") for name in names[:3]),
        *(Link(f"{site.silent_url}/{name}", "nobody answers") for name in names[:2]),
        *(Link(f"{site.url}/moved/{image.path.rsplit('/', 1)[1]}", "moved", image) for image in drawn[8:12]),
        *(Link(site.url + image.path, "once more", image) for image in drawn[:2]),
        Link("http://169.254.169.254/latest/meta-data/", "a cloud's secrets"),
        Link("http://10.0.0.1/router.png", "an intranet"),
        Link("file:///etc/passwd", "a local file"),
        Link("not a link", "nonsense"),
    ]


def _alt_text(number: int, image: DrawnImage) -> str:
    return ALT_TEXTS[number % len(ALT_TEXTS)].format(number=number, words=image.truth)


def _table(rows: Sequence[Link]) -> pa.Table:
    sides = [(row.image.width, row.image.height) if row.image else (None, None) for row in rows]
    columns = {
        "URL": [row.url for row in rows],
        "TEXT": [row.text for row in rows],
        "WIDTH": [width for width, _ in sides],
        "HEIGHT": [height for _, height in sides],
        "similarity": [0.3] * len(rows),
        "hash": list(range(len(rows))),
        "pwatermark": [0.1] * len(rows),
        "punsafe": [0.01] * len(rows),
    }
    return pa.table(columns, SCHEMA)

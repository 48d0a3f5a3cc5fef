"""A run over a small web of pictures, and human captions of other pictures of it."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from common.settings import S3Settings
from common.store import open_store
from tests.dataset.gallery.scenes import Scene, Web
from tests.dataset.synthetic import RunShape, write_manifest, write_shard

ROWS = 120
HUMAN_IMAGES = range(1000, 1060)
FIRST_GONE = 1000
"""This human caption's picture is not there."""


def make_run(folder: Path, web: Web, *, numbers: Sequence[int] = range(ROWS)) -> str:
    """A complete run, a fifth of its rows failed; its address."""
    store = open_store(str(folder), S3Settings())
    shape = RunShape(parts=1, part_rows=len(numbers), batch_rows=40)
    write_manifest(store, shape)
    for batch in shape.batches():
        some = numbers[batch.first_row : batch.first_row + batch.rows]
        write_shard(store, shape, batch, [Scene(number).row(web.address) for number in some])
    return store.uri


def human_caption(number: int, form: int = 0) -> str:
    """As people write: capitals, articles, a full stop."""
    words = Scene(number).words
    forms = ("A {colour} {shape} , and a {other} {second}.", "The {colour} {shape} stands on {ground} .")
    return forms[form].format(**words)


def image_url(web: Web, number: int) -> str:
    return f"{web.address}/gone" if number == FIRST_GONE else f"{web.address}/{number}.png"


def coco_json(file: Path, web: Web, numbers: Sequence[int] = HUMAN_IMAGES) -> Path:
    """COCO's captions, two for each picture."""
    images = [
        {"id": n, "file_name": f"{n}.png", "coco_url": image_url(web, n), "license": 1} for n in numbers
    ]
    notes = [
        {"id": 2 * n + form, "image_id": n, "caption": human_caption(n, form)}
        for n in numbers
        for form in (0, 1)
    ]
    file.write_text(json.dumps({"info": {}, "images": images, "annotations": notes, "licenses": []}))
    return file


def caption_csv(file: Path, rows: Sequence[tuple[str, str]]) -> Path:
    with file.open("w", newline="") as target:
        csv.writer(target).writerows([("image", "caption"), *rows])
    return file

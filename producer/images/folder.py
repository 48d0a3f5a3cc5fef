"""The index of a set of images, as a part of the run: its listing, and what people wrote about the images."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from pathlib import Path

import pyarrow as pa

from common.archive.folder_part import PATH
from common.console.progress import progress
from common.parallel import ordered_map
from common.run.layout import INPUT
from common.run.objects import gather
from common.run.planned_part import Part, part_id
from common.run.schema import FROM_INPUT
from common.settings import S3Settings
from common.store import Store
from common.store.scratch import scratch
from producer.copies import MARK, require_copy, write_copy
from producer.images.metadata import Row, read_metadata, read_text
from producer.images.named import ImageSet
from producer.images.siblings import Siblings

ROWS = 1_000
READERS = 32
"""Captions read at once: each may be a request."""
COLUMNS = pa.schema([pa.field(PATH, pa.string()), *FROM_INPUT])


@dataclass(frozen=True, slots=True)
class Index:
    """The rows of a set, and a digest that tells one version from the next."""

    images: ImageSet
    pieces: Sequence[pa.RecordBatch]
    mark: bytes

    @property
    def key(self) -> str:
        return f"{INPUT}/{part_id(self.images.named)}.parquet"

    @property
    def rows(self) -> int:
        return sum(piece.num_rows for piece in self.pieces)


def index_images(images: ImageSet, siblings: Siblings, s3: S3Settings) -> Index:
    """A row for each image, and for each that metadata names and the set lacks.

    Raises:
        PartError: metadata or a caption cannot be read.
        StoreError: the place where they lie cannot be reached.
    """
    digest = sha256(images.folder.encode())
    pieces = []
    rows = list(_rows(images, siblings, s3))
    for first in range(0, len(rows), ROWS):
        digest.update(json.dumps(rows[first : first + ROWS]).encode())
        pieces.append(_piece(rows[first : first + ROWS]))
    return Index(images, pieces, digest.hexdigest().encode())


def write_index(index: Index, store: Store, batch_rows: int, s3: S3Settings) -> Part:
    """The planned part of an index; one that the run holds is kept.

    Raises:
        FleetError: the run holds another version of it.
        StoreError: the run cannot be written.
    """
    address = f"{store.uri}/{index.key}"
    if not store.exists(index.key):
        with scratch(store) as folder:
            file = Path(folder, "index.parquet")
            write_copy(file, index.pieces, COLUMNS.with_metadata({MARK: index.mark}), batch_rows)
            store.create_file(index.key, file)
    found = require_copy(address, index.images.named, index.mark, s3)
    return Part(
        id=part_id(index.images.named),
        address=address,
        rows=index.rows,
        size=found.size,
        etag=found.etag,
        kind="folder",
        folder=index.images.folder,
    )


def _rows(images: ImageSet, siblings: Siblings, s3: S3Settings) -> Iterator[tuple[str, Row]]:
    """Name and columns of each row, by name."""
    told: dict[str, Row] = {}
    for folder in sorted({_folder(images, name) for name in ("", *images.names)}):
        told |= read_metadata(folder, siblings, s3)
    cut = len(images.folder) + 1
    listed = set(images.names)
    lost = {address[cut:] for address in told} - listed if images.is_whole else ()
    names = sorted(chain(listed, lost))
    with progress("indexing images", len(listed)) as advance:
        texts = ordered_map(lambda name: _read_text(name, told, images, siblings, s3), names, READERS)
        for name, text in zip(names, texts, strict=True):
            row = told.get(f"{images.folder}/{name}", {})
            yield name, row if text is None else {**row, "TEXT": text}
            advance(1)


def _read_text(
    name: str, told: Mapping[str, Row], images: ImageSet, siblings: Siblings, s3: S3Settings
) -> str | None:
    """The caption beside an image of which metadata says none."""
    address = f"{images.folder}/{name}"
    return None if told.get(address, {}).get("TEXT") else read_text(address, siblings, s3)


def _folder(images: ImageSet, name: str) -> str:
    return f"{images.folder}/{name}".rpartition("/")[0]


def _piece(rows: Sequence[tuple[str, Row]]) -> pa.RecordBatch:
    columns = gather([row for _, row in rows])
    names = pa.array([name for name, _ in rows], pa.string())
    return pa.RecordBatch.from_arrays([names, *columns.columns], schema=COLUMNS)

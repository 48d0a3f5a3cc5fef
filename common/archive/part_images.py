"""Single images of planned parts, for galleries and surveys."""

from collections.abc import Iterator, Sequence
from contextlib import closing

from common.archive.column_part import read_images
from common.archive.folder_part import read_files, read_paths
from common.archive.held import Held
from common.archive.tar import Member
from common.archive.tar_part import find_images, find_samples, open_tar, read_members
from common.run.planned_part import Part
from common.settings import S3Settings


def read_rows(part: Part, rows: Sequence[int], max_bytes: int, s3: S3Settings) -> Iterator[Held]:
    """The images of some rows, in any order; none of a part of links.

    Args:
        part: as planned.
        rows: of the part.
        max_bytes: of an image; larger ones are not read.
        s3: where S3 is.

    Raises:
        PartError: the part changed or is damaged.
        StoreError: the place where it lies cannot be reached.
    """
    match part.kind:
        case "images":
            with closing(read_images(part, map(_alone, rows), max_bytes, s3)) as images:
                yield from images
        case "folder":
            yield from read_files(part, read_paths(part, map(_alone, rows), s3), max_bytes, s3)
        case "tar":
            yield from _read_tar(part, rows, max_bytes, s3)


def _alone(row: int) -> range:
    return range(row, row + 1)


def _read_tar(part: Part, rows: Sequence[int], max_bytes: int, s3: S3Settings) -> Iterator[Held]:
    """One pass over the headers for all rows."""
    first, count = min(rows), max(rows) - min(rows) + 1
    with open_tar(part, s3) as file:
        if part.beside is None:
            samples = find_samples(file, first, count)
            found: dict[int, Member] = {row: s.image for row, s in samples.items() if s.image is not None}
        else:
            found = find_images(part, file, first, count, s3)
        wanted = {row: found[row] for row in rows if row in found}
        yield from read_members(file, wanted, max_bytes)

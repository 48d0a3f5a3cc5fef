"""The images of a planned tar."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO

from common.archive.distinct import Distinct
from common.archive.held import Held
from common.archive.img2dataset import KEY, to_key
from common.archive.locate import locate_images, locate_samples
from common.archive.samples import Sample
from common.archive.tar import Member, TarError, read_whole
from common.run.parquet import open_parquet
from common.run.part import DamagedPartError, open_part
from common.run.planned_part import Part
from common.settings import S3Settings

BUFFER = 8 << 20
"""Bytes of a request: headers lie between the images, so that nearly all is read."""


@contextmanager
def open_tar(part: Part, s3: S3Settings) -> Iterator[BinaryIO]:
    """The version of a tar that was planned.

    Raises:
        PartError: it changed or is damaged; also raised while the block reads it.
        StoreError: the place where it lies cannot be reached.
    """
    with open_part(part.address, s3, part.fingerprint, buffer=BUFFER) as (file, _), tar_errors(part.address):
        yield file


@contextmanager
def tar_errors(address: str) -> Iterator[None]:
    """Turn `TarError` into the part's."""
    try:
        yield
    except TarError as error:
        raise DamagedPartError(f"{address}: {error}") from error


def find_samples(file: BinaryIO, first: int, count: int) -> dict[int, Sample]:
    """The rows from `first` on of a tar without a list, by row.

    Raises:
        TarError: there are fewer.
    """
    samples = locate_samples(file, first, count)
    if len(samples) != count:
        raise TarError(f"rows end before row {first + count}")
    return dict(enumerate(samples, first))


def find_images(part: Part, file: BinaryIO, first: int, count: int, s3: S3Settings) -> dict[int, Member]:
    """The images of a row range of a tar with a list, by row; rows without one are left out.

    Args:
        part: the tar.
        file: the same, open.
        first: row.
        count: of rows.
        s3: where S3 is.

    Raises:
        TarError: the archive cannot be read to its end, or does not go with its list.
        PartError: the list changed or is damaged.
        StoreError: the place where the list lies cannot be reached.
    """
    listed, wanted, row = Distinct(), dict[str, int](), 0
    with open_parquet(part.row_list, s3) as reader:
        for piece in reader.pieces(0, reader.rows, [KEY]):
            for key in map(to_key, piece.column(0).to_pylist()):
                if key is not None:
                    listed.add(key)
                    if first <= row < first + count:
                        wanted[key] = row
                row += 1
    if listed.has_twins():
        raise TarError("the parquet beside it names a key twice")
    return locate_images(file, wanted, listed)


def read_members(file: BinaryIO, members: Mapping[int, Member], max_bytes: int) -> Iterator[Held]:
    """The bytes of members by row, in order of the archive; none of those larger than `max_bytes`.

    Raises:
        TarError: the archive ends before.
    """
    in_order: Iterable[tuple[int, Member]] = sorted(members.items(), key=lambda item: item[1].offset)
    for row, member in in_order:
        body = read_whole(file, member) if member.size <= max_bytes else None
        yield Held(row, body, member.size)

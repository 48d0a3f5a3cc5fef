"""Where the images of a row range lie in a tar."""

from collections.abc import Mapping
from itertools import islice
from typing import BinaryIO

from common.archive.distinct import Distinct
from common.archive.samples import Sample, read_samples
from common.archive.tar import Member, TarError


def count_samples(file: BinaryIO) -> int:
    """The rows of a tar that has no list beside it.

    Raises:
        TarError: it cannot be read to its end, or a key comes twice.
    """
    return sum(1 for _ in read_samples(file))


def locate_samples(file: BinaryIO, first: int, count: int) -> list[Sample]:
    """Samples `first` to `first + count`, in order of the archive; fewer where it ends before."""
    return list(islice(read_samples(file), first, first + count))


def locate_images(file: BinaryIO, wanted: Mapping[str, int], listed: Distinct) -> dict[int, Member]:
    """The images of some keys of the list beside a tar, by the number of each key in `wanted`.

    Args:
        file: the tar; all of it is passed over, so that a cut one is found.
        wanted: key -> number.
        listed: every key of the list.

    Raises:
        TarError: it cannot be read to its end, a key comes twice, or an image is not in the list.
    """
    found: dict[int, Member] = {}
    packed = Distinct()
    for sample in read_samples(file):
        if sample.image is None:
            continue
        packed.add(sample.key)
        if sample.key in wanted:
            found[wanted[sample.key]] = sample.image
    if strangers := packed.missing_from(listed):
        raise TarError(f"{strangers} images have keys that the parquet beside it does not name")
    return found

"""The samples of a tar in WebDataset's layout: members that share a key, one beside the other.

`folder/key.jpg`, `folder/key.txt` and `folder/key.json` are one sample: the key ends at the first dot of the
file's name (https://github.com/webdataset/webdataset, "The WebDataset Format").
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from common.archive.distinct import Distinct
from common.archive.tar import Member, TarError, read_members

IMAGES = frozenset(
    {"jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "avif", "bmp", "tif", "tiff", "ico", "img", "image"}
)
"""Extensions of images; the bytes decide on the format."""

TEXT, JSON = "txt", "json"
ROWS = IMAGES | {TEXT, JSON}
"""Extensions that make a row."""


@dataclass(slots=True)
class Sample:
    """One row of a tar.

    Args:
        key: of its members.
        image: None where the tar has none.
        text: its caption.
        json: an object with further columns.
        views: images with more in their names, as `key.left.jpg`.
        notes: texts and objects with more in theirs, as `key.left.txt` and `key.jpg.txt`, by that.
    """

    key: str
    image: Member | None = None
    text: Member | None = None
    json: Member | None = None
    views: list[Member] = field(default_factory=list)
    notes: dict[str, Member] = field(default_factory=dict)

    @property
    def is_row(self) -> bool:
        return bool(self.image or self.text or self.json)


def read_samples(file: BinaryIO) -> Iterator[Sample]:
    """Every row of a tar, in order of the archive; members that are neither image, text nor JSON are no rows.

    Args:
        file: seekable; may be read elsewhere between two samples.

    Raises:
        TarError: the archive is no sound tar, or a key comes twice.
    """
    keys = Distinct()
    for sample in _group(file):
        _choose_view(sample)
        _choose_notes(sample)
        if sample.is_row:
            keys.add(sample.key)
            yield sample
    if keys.has_twins():
        raise TarError("a key comes twice, with others between; pack the members of a sample together")


def _group(file: BinaryIO) -> Iterator[Sample]:
    sample = Sample("")
    for member in read_members(file):
        key, extension = _split(member.name)
        if not _is_listed(key):
            continue
        if key != sample.key:
            yield sample
            sample = Sample(key)
        _place(sample, extension, member)
    yield sample


def _choose_view(sample: Sample) -> None:
    """The only view of a sample without an image of its own is its image."""
    if sample.image is None and sample.views:
        for view in sample.views:
            _require_first(sample.image, view)
            sample.image = view


def _choose_notes(sample: Sample) -> None:
    """Text and object that bear the whole name of the image, or that of the only view, are the sample's."""
    if sample.image is None:
        return
    _, extension = _split(sample.image.name)
    for stem in filter(None, (extension.rpartition(".")[0], extension)):
        sample.text = sample.text or sample.notes.get(f"{stem}.{TEXT}")
        sample.json = sample.json or sample.notes.get(f"{stem}.{JSON}")


def _split(name: str) -> tuple[str, str]:
    """Key and lower-case extension; the extension begins at the first dot of the file's name."""
    folder, slash, base = name.removeprefix("./").rpartition("/")
    stem, _, extension = base.partition(".")
    return f"{folder}{slash}{stem}", extension.lower()


def _is_listed(key: str) -> bool:
    """Hidden files, as macOS packs them beside each file, and WebDataset's own marks are no samples."""
    base = key.rpartition("/")[2]
    return bool(base) and not base.startswith((".", "__")) and "__MACOSX/" not in key


def _place(sample: Sample, extension: str, member: Member) -> None:
    if extension in IMAGES:
        _require_first(sample.image, member)
        sample.image = member
    elif extension == TEXT:
        _require_first(sample.text, member)
        sample.text = member
    elif extension == JSON:
        _require_first(sample.json, member)
        sample.json = member
    elif extension.rpartition(".")[2] in IMAGES:
        sample.views.append(member)
    elif extension.rpartition(".")[2] in {TEXT, JSON}:
        _require_first(sample.notes.get(extension), member)
        sample.notes[extension] = member


def _require_first(earlier: Member | None, member: Member) -> None:
    if earlier is not None:
        raise TarError(
            f"members {earlier.name[:100]!r} and {member.name[:100]!r} share a sample; give each a key"
        )

"""Tars, whole and otherwise: every row or an error, in bounded memory and time."""

import gzip
import io
import os
import random
import tarfile
import tracemalloc
from collections.abc import Callable

import pytest

from common.archive.samples import read_samples
from common.archive.tar import TarError, read_members
from tests.archives.inputs import SHAPES, pack, samples

WHOLE = pack(samples(40))
KEYS = [f"{number:06d}" for number in range(40)]


def keys(body: bytes) -> list[str]:
    return [sample.key for sample in read_samples(io.BytesIO(body))]


@pytest.mark.parametrize("layout", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_every_layout_gives_every_row(layout: int) -> None:
    assert keys(pack(samples(40), layout)) == KEYS


def test_bytes_lie_where_the_members_say() -> None:
    body = SHAPES.read_bytes()
    for member in read_members(io.BytesIO(body)):
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            theirs = archive.extractfile(member.name)
            assert theirs is not None
            assert theirs.read() == body[member.offset : member.offset + member.size]


def test_cut_anywhere_it_is_an_error_or_all_there() -> None:
    draw = random.Random(0)
    refused = 0
    for place in draw.sample(range(len(WHOLE)), 200):
        try:
            assert keys(WHOLE[:place]) == KEYS
        except TarError:
            refused += 1
    assert refused > 150


def test_with_a_byte_changed_no_row_is_lost_without_a_word() -> None:
    draw = random.Random(1)
    for place in draw.sample(range(len(WHOLE)), 200):
        changed = bytearray(WHOLE)
        changed[place] ^= draw.randrange(1, 256)
        try:
            found = keys(bytes(changed))
        except TarError:
            continue
        assert found == KEYS, place


def _without_end(body: bytes) -> bytes:
    used = body.rstrip(b"\0")
    return used.ljust(-(-len(used) // 512) * 512, b"\0")


def _long_names(count: int) -> bytes:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 3
    return (info.tobuf() + b"ab\0".ljust(512, b"\0")) * count + WHOLE


def _pax(size: int) -> bytes:
    info = tarfile.TarInfo("bomb")
    info.type, info.size = tarfile.XHDTYPE, size
    return info.tobuf() + os.urandom(1 << 20) * (size >> 20) + WHOLE


def _sparse() -> bytes:
    info = tarfile.TarInfo("1.jpg")
    info.type, info.size = tarfile.GNUTYPE_SPARSE, 512
    header = bytearray(info.tobuf())
    header[386:398], header[398:410] = b"00000000000\0", b"00000001000\0"
    header[483:495] = b"77777777777\0"
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return bytes(header) + bytes(512) + bytes(1024)


def _member(kind: bytes, **fields: object) -> bytes:
    info = tarfile.TarInfo("1.jpg")
    info.type = kind
    for name, value in fields.items():
        setattr(info, name, value)
    return info.tobuf() + bytes(1024)


def _backwards() -> bytes:
    header = bytearray(tarfile.TarInfo("1.jpg").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 10 + b"\xfc\x00"  # -1024
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return WHOLE[:512] + WHOLE[512:1024] + bytes(header) * 3 + bytes(1024)


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "empty file"),
    "gzip": (lambda: gzip.compress(WHOLE), "compressed with gzip"),
    "two archives": (lambda: WHOLE + WHOLE, "another archive"),
    "two archives without an end between": (
        lambda: WHOLE.rstrip(b"\0") + bytes(700) + WHOLE,
        "another archive",
    ),
    "no end": (lambda: _without_end(pack(samples(2))), "cut short"),
    "long names without end": (lambda: _long_names(3000), "headers of"),
    "a pax header of 50 MB": (lambda: _pax(50 << 20), "headers of over"),
    "sparse": (_sparse, "sparse"),
    "a symbolic link": (lambda: _member(tarfile.SYMTYPE, linkname="/etc/passwd"), "link"),
    "a hard link": (lambda: _member(tarfile.LNKTYPE, linkname="0.jpg"), "link"),
    "a device": (lambda: _member(tarfile.CHRTYPE), "device"),
    "a pipe": (lambda: _member(tarfile.FIFOTYPE), "device"),
    "sizes that go backwards": (_backwards, "bytes|damaged"),
    "text": (lambda: b"a,b\n" * 1000, "header"),
    "a key twice": (lambda: pack([("a.jpg", b"1"), ("b.jpg", b"2"), ("a.jpg", b"3")]), "key comes twice"),
    "two views of a key": (lambda: pack([("a.0.jpg", b"1"), ("a.1.jpg", b"2")]), "share a sample"),
    "two images of a key": (lambda: pack([("a.jpg", b"1"), ("a.png", b"2")]), "share a sample"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_sound_tar_is_one_line(name: str) -> None:
    make, words = BAD[name]
    body = make()
    tracemalloc.start()
    try:
        with pytest.raises(TarError, match=words) as caught:
            keys(body)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_rows_are_told_by_the_first_dot_of_the_name() -> None:
    members = [
        ("./a.b/c.d.JPG", b"1"),
        ("a.b/c.txt", b"2"),
        ("a.b/e.JPG", b"3"),
        ("._e.JPG", b"AppleDouble"),
        ("__index__.json", b"{}"),
        ("notes", b"no extension"),
        ("f.cls", b"4"),
        ("g.txt", b"no image"),
        ("h.jpg", b"5"),
        ("h.seg.png", b"6"),
    ]
    found = list(read_samples(io.BytesIO(pack(members))))
    assert [(sample.key, bool(sample.image), bool(sample.text)) for sample in found] == [
        ("a.b/c", True, True),
        ("a.b/e", True, False),
        ("g", False, True),
        ("h", True, False),
    ]


def test_texts_with_the_whole_name_of_their_image_are_its_texts() -> None:
    members = [
        ("a.jpeg", b"1"),
        ("a.jpeg.txt", b"of the whole name"),
        ("b.v1.jpg", b"2"),
        ("b.v1.txt", b"of the view"),
        ("b.v1.json", b"{}"),
        ("c.jpg", b"3"),
        ("c.txt", b"plain"),
        ("c.jpg.txt", b"not this one"),
        ("c.other.txt", b"nor this"),
    ]
    body = pack(members)
    found = list(read_samples(io.BytesIO(body)))
    texts = [body[text.offset : text.offset + text.size] for sample in found if (text := sample.text)]
    assert texts == [b"of the whole name", b"of the view", b"plain"]
    assert [bool(sample.json) for sample in found] == [False, True, False]

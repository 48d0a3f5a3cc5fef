"""Pages are seen in the bytes that a reader takes, however those are cut, and without a request more."""

import io
import random
import struct
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.parquet.chunk import Chunk, find_chunks
from common.parquet.errors import DamagedPageError
from common.parquet.page_header import PageHeader, read_page_header
from common.parquet.page_walk import PageWalk
from common.parquet.thrift import I64, Value, read_struct, write_struct
from common.run import footer
from common.run.parquet import PartReader
from common.run.part import PartError
from tests.common.parquet.bombs import with_first_page, write

ROWS = 3_000
SMALL_PAGES: dict[str, Any] = {"data_page_size": 512, "write_batch_size": 32, "row_group_size": 1_000}
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "statistics": {"write_statistics": True, "write_page_index": True, "write_page_checksum": True},
    "dictionary": {"use_dictionary": True},
    "falls-back": {"use_dictionary": True, "dictionary_pagesize_limit": 2_000},
    "v2": {"data_page_version": "2.0", "use_dictionary": True, "dictionary_pagesize_limit": 2_000},
    "uncompressed": {"compression": "none"},
    "prefixes": {"column_encoding": {"URL": "DELTA_BYTE_ARRAY", "TEXT": "DELTA_LENGTH_BYTE_ARRAY"}},
}


def rows() -> pa.Table:
    chance = random.Random(0)
    urls = [f"http://h/{chance.randrange(400)}/{'x' * chance.randrange(90)}" for _ in range(ROWS)]
    return pa.table(
        {"URL": urls, "TEXT": [None if row % 7 == 0 else url[9:] for row, url in enumerate(urls)]}
    )


def read(body: bytes, first: int = 0, count: int = ROWS) -> dict[str, list[object]]:
    pieces = list(PartReader(io.BytesIO(body), "p").pieces(first, count))
    return {
        name: [value for piece in pieces for value in piece[name].to_pylist()] for name in ("URL", "TEXT")
    }


@pytest.mark.parametrize("buffer", [100, 1 << 20])
@pytest.mark.parametrize("way", WAYS)
def test_rows_are_the_same_however_bytes_are_cut(
    way: str, buffer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(footer, "READ_AHEAD", buffer)
    table = rows()
    body = write(table, **SMALL_PAGES | WAYS[way])
    for first, count in ((0, ROWS), (1_500, 1_200), (2_999, 1)):
        assert read(body, first, count) == table.slice(first, count).to_pydict()


@pytest.mark.parametrize("step", [1, 7, 1_000, 1 << 20])
def test_every_header_is_seen_once(step: int) -> None:
    body = write(rows(), **SMALL_PAGES | WAYS["statistics"])
    (chunk,) = find_chunks(pq.read_metadata(io.BytesIO(body)), 1, [0])
    seen: list[PageHeader] = []
    wanted: list[int] = []

    def see(_: Chunk, header: PageHeader) -> bool:
        seen.append(header)
        return len(seen) % 2 == 0

    walk = PageWalk(chunk, see, lambda _, header, page: wanted.append(len(page) - header.compressed))
    for place in range(chunk.start, chunk.end, step):
        walk.pass_by(place, body[place : min(place + step, chunk.end)])
    assert sum(header.values for header in seen) == chunk.values
    assert sum(header.length + header.compressed for header in seen) == chunk.end - chunk.start
    assert wanted == [0] * (len(seen) // 2)


def test_bytes_that_are_left_out_are_an_error() -> None:
    body = write(rows(), **SMALL_PAGES)
    (chunk,) = find_chunks(pq.read_metadata(io.BytesIO(body)), 0, [0])
    walk = PageWalk(chunk, lambda *_: False, lambda *_: None)
    first = read_page_header(body[chunk.start :])
    walk.pass_by(chunk.start, body[chunk.start : chunk.start + first.length])
    after = chunk.start + first.length + first.compressed
    with pytest.raises(DamagedPageError, match="lie in others"):
        walk.pass_by(after + 1, body[after + 1 : chunk.end])


def test_pages_of_nothing_end() -> None:
    def empty(header: dict[int, Value], page: bytes) -> bytes:
        nothing = header | {
            2: Value(5, 0),
            3: Value(5, 0),
            5: Value(12, header[5].content | {1: Value(5, 0)}),
        }
        return write_struct(nothing) * 2_001 + write_struct(header) + page

    with pytest.raises(DamagedPageError, match="hold nothing"):
        read(with_first_page(write(rows()), empty))


def test_chunks_that_lie_in_one_another_are_read_or_refused() -> None:
    body = write(rows(), compression="none")
    (length,) = struct.unpack("<I", body[-8:-4])
    fields = read_struct(body[-8 - length : -8])
    url, text = (column[3].content for column in fields[4].content.values[0][1].content.values)
    url[9] = Value(I64, text[9].content - 40)
    url[7] = Value(I64, text[7].content + 40)
    made = write_struct(fields)
    with pytest.raises((PartError, OSError)):
        read(body[: -8 - length] + made + struct.pack("<I", len(made)) + b"PAR1")


class Reads(io.BytesIO):
    """A file that remembers what was read."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.reads: list[tuple[int, int | None]] = []

    def read(self, size: int | None = -1) -> bytes:
        self.reads.append((self.tell(), size))
        return super().read(size)


@pytest.mark.parametrize("dictionary", [True, False])
def test_nothing_is_read_that_a_reader_alone_would_not_read(dictionary: bool) -> None:
    """On S3 each read may be a request."""
    chance = random.Random(0)
    names = ("URL", "TEXT")
    table = pa.table({name: [chance.randbytes(40).hex() for _ in range(40_000)] for name in names})
    body = write(table, row_group_size=20_000, use_dictionary=dictionary, write_batch_size=1_000)
    alone, watched = Reads(body), Reads(body)
    assert sum(batch.num_rows for batch in footer.open_file(alone).iter_batches(1_000)) == 40_000
    assert sum(piece.num_rows for piece in PartReader(watched, "p").pieces(0, 40_000)) == 40_000
    assert set(watched.reads) <= set(alone.reads) | set(watched.reads[:2])  # two of the footer
    assert len(watched.reads) <= len(alone.reads) + 2

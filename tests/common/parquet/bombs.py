"""Parquet files of a few kilobytes that unpack to many megabytes, some of them lying about it."""

import io
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from common.parquet.thrift import I32, I64, Struct, Value, read_struct, write_struct

MB = 1 << 20
CODECS = ("snappy", "gzip", "zstd", "lz4", "brotli")
ONE_PAGE: Mapping[str, Any] = {
    "use_dictionary": False,
    "store_schema": False,
    "write_statistics": False,
    "data_page_size": 1 << 30,
    "max_rows_per_page": 1 << 30,
    "write_batch_size": 1 << 30,
}
DICTIONARY_BYTES = 2**31 - 1
ONE_DICTIONARY = {**ONE_PAGE, "use_dictionary": True, "dictionary_pagesize_limit": DICTIONARY_BYTES}


def write(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **{"compression": "zstd", **ONE_PAGE, **options})
    return sink.getvalue()


def texts(megabytes: int, rows: int = 1) -> pa.Table:
    return pa.table({"URL": ["a" * (megabytes * MB // rows)] * rows})


def long_texts(megabytes: int) -> Iterator[tuple[str, bytes]]:
    """One text, by each codec, in pages of both versions and in a dictionary."""
    for codec in CODECS:
        for version in ("1.0", "2.0"):
            for options in (ONE_PAGE, ONE_DICTIONARY):
                where = "dictionary" if options is ONE_DICTIONARY else "page"
                name = f"{codec}-{version}-{where}"
                ways = {**options, "compression": codec, "data_page_version": version}
                yield name, write(texts(megabytes), **ways)


def with_first_page(body: bytes, change: Callable[[Struct, bytes], bytes]) -> bytes:
    """The file with another first page, header and all, which `change` makes of header and page."""
    footer = _footer(body)
    column = pq.read_metadata(io.BytesIO(body)).row_group(0).column(0)
    start = column.dictionary_page_offset if column.has_dictionary_page else column.data_page_offset
    header = read_struct(body[start:])
    length = len(write_struct(header))
    end = start + length + header[3].content
    page = change(header, body[start + length : end])
    fields = read_struct(footer)
    more = len(page) - (end - start)
    chunk = _first_chunk(fields)
    chunk[7] = Value(I64, chunk[7].content + more)
    if column.has_dictionary_page:
        chunk[9] = Value(I64, chunk[9].content + more)
    rest = body[end : len(body) - 8 - len(footer)]
    footer = write_struct(fields)
    return body[:start] + page + rest + footer + struct.pack("<I", len(footer)) + b"PAR1"


def lie(body: bytes, size: int = 1_000) -> bytes:
    """The file whose first page claims `size` bytes when unpacked."""

    def change(header: Struct, page: bytes) -> bytes:
        return write_struct(header | {2: Value(I32, size)}) + page

    return with_first_page(body, change)


def many_lengths(encoding: str, count: int) -> bytes:
    """A page of ten empty texts, in whose delta encoding a block of no bits stands for `count` lengths."""
    schema = pa.schema([pa.field("URL", pa.string(), nullable=False)])
    options = {"column_encoding": {"URL": encoding}, "compression": "none"}
    body = write(pa.table({"URL": [""] * 10}, schema=schema), **options)
    lengths = b"".join(map(_varint, (1 << 28, 1, count, 0, 0, 0)))

    def change(header: Struct, page: bytes) -> bytes:
        page = lengths * (2 if encoding == "DELTA_BYTE_ARRAY" else 1)
        return write_struct(header | {2: Value(I32, len(page)), 3: Value(I32, len(page))}) + page

    return with_first_page(body, change)


def _footer(body: bytes) -> bytes:
    (length,) = struct.unpack("<I", body[-8:-4])
    return body[-8 - length : -8]


def _first_chunk(footer: Struct) -> Struct:
    found: Struct = footer[4].content.values[0][1].content.values[0][3].content
    return found


def _varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + _varint(number >> 7)

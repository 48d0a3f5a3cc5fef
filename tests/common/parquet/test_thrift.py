"""Thrift's compact protocol: byte for byte, and refused where readers would see different things."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.parquet.thrift import (
    I32,
    CutShortError,
    MalformedError,
    Value,
    measure_struct,
    read_struct,
    write_struct,
)


def footer() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": [1, 2, 3], "b": ["x", None, "y"], "c": [[0.5], [], [1.0]]}), sink)
    body = sink.getvalue()
    return body[-8 - int.from_bytes(body[-8:-4], "little") : -8]


def test_a_struct_is_written_as_it_was_read() -> None:
    assert write_struct(read_struct(footer())) == footer()
    assert read_struct(write_struct({300: Value(4, -5), 1: Value(1, None)})) == {
        1: Value(1, None),
        300: Value(4, -5),
    }


def test_every_cut_of_a_struct_is_refused() -> None:
    body = footer()
    for length in range(len(body)):
        with pytest.raises(CutShortError):
            read_struct(body[:length])


def test_the_length_of_a_struct_is_told() -> None:
    body = write_struct({1: Value(I32, 7)})
    assert measure_struct(body + b"behind", 1) == ({1: Value(I32, 7)}, len(body))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"\x1c" * 10_000, "too deeply"),
        (b"\x15\x02\x05\x02\x04\0", "there twice"),  # field 1, then field 1 by its number
        (b"\x15\x02\x05\x82\x80\x08\x04\0", "out of range"),  # 65537, which is 1 in 16 bits
        (b"\x05\x01\x04\0", "out of range"),  # -1
        (b"\x15" + b"\xff" * 11, "64 bits"),
        (b"\x10", "none of Parquet's"),  # the stop of some readers
        (b"\x19\xf5\x80\x08" + b"\0" * 1024 + b"\0", "more values"),
    ],
)
def test_what_readers_differ_in_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        measure_struct(body, 1000)

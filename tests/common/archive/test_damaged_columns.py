"""Metadata of image columns that no reader takes: one line, where pyarrow would end the process."""

import io
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from common.parquet.thrift import (
    BINARY,
    I32,
    I64,
    LIST,
    STRUCT,
    Items,
    Struct,
    Value,
    read_struct,
    write_struct,
)
from tests.common.parquet.bombs import MB, ONE_DICTIONARY, write

READ = """
import sys
from pathlib import Path
from common.archive import column_images
from common.archive.column_part import read_images
from common.errors import FleetError
from common.run.planned_part import Part
from common.settings import S3Settings
from dataset.rows.embedded_image import EmbeddedImage, find_embedded
from producer.plan import plan_part
from tests.peak import peak_bytes

column_images.MEMORY = 12 << 20
for path in sorted(Path(sys.argv[1]).iterdir()):
    part = Part(id="p", address=str(path), rows=20, size=path.stat().st_size, kind="images")
    before = peak_bytes()
    for attempt in (
        lambda: plan_part(str(path), S3Settings()).kind,
        lambda: len(list(read_images(part, [range(20)], 1 << 20, S3Settings()))),
        lambda: (column := find_embedded(path)) and len(EmbeddedImage(path, column, 3).read()),
    ):
        try:
            print(path.name, attempt())
        except (FleetError, OSError) as error:
            print(path.name, "refused:", " ".join(str(error).split()))
    print(path.name, "MB", peak_bytes() - before >> 20, flush=True)
"""


def images(size: int = 100) -> pa.Table:
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    rows = [{"bytes": b"x" * size, "path": "a"}] * 20
    return pa.table({"image": pa.array(rows, kind), "text": ["t"] * 20})


def _remove(column: Struct) -> None:
    del column[3]


def _encrypt(column: Struct) -> None:
    path = Value(LIST, Items(BINARY, [b"image"]))
    column[8] = Value(STRUCT, {2: Value(STRUCT, {1: path})})


def _set(field: int, value: Value) -> Callable[[Struct], None]:
    return lambda column: column[3].content.update({field: value})


DAMAGES: Mapping[str, Callable[[Struct], None]] = {
    "encrypted": _encrypt,
    "no-metadata": _remove,
    "type": _set(1, Value(I32, 77)),
    "codec": _set(4, Value(I32, 99)),
    "name": _set(3, Value(LIST, Items(BINARY, [b"\xff"]))),
    "place": _set(9, Value(I64, -100)),
    "size": _set(7, Value(I64, 1 << 40)),
    "statistics": _set(12, Value(STRUCT, {3: Value(I64, -5)})),
}


def damaged(body: bytes, damage: Callable[[Struct], None]) -> bytes:
    (length,) = struct.unpack("<I", body[-8:-4])
    fields = read_struct(body[-8 - length : -8])
    columns: Sequence[Struct] = fields[4].content.values[0][1].content.values
    for column in columns:
        damage(column)
    footer = write_struct(fields)
    return body[: -8 - length] + footer + struct.pack("<I", len(footer)) + b"PAR1"


def test_damaged_metadata_and_giant_images_are_lines(tmp_path: Path) -> None:
    sink = io.BytesIO()
    pq.write_table(images(), sink)
    for name, damage in DAMAGES.items():
        (tmp_path / name).write_bytes(damaged(sink.getvalue(), damage))
    (tmp_path / "sound").write_bytes(sink.getvalue())
    (tmp_path / "giant-page").write_bytes(write(images(MB)))
    (tmp_path / "giant-dictionary").write_bytes(write(images(8 * MB), **ONE_DICTIONARY))
    words = [sys.executable, "-c", READ, str(tmp_path)]
    said = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120).stdout.splitlines()
    lines = {
        name: [line.partition(" ")[2] for line in said if line.startswith(f"{name} ")]
        for name in (*DAMAGES, "sound", "giant-page", "giant-dictionary")
    }
    assert lines["sound"][:3] == ["images", "20", "100"]
    for name in ("encrypted", "codec", "place", "size"):
        assert all(line.startswith("refused: ") for line in lines[name][:3]), lines[name]
    for name in ("giant-page", "giant-dictionary"):
        assert "12; write it again with smaller pages" in lines[name][1]
        assert int(lines[name][3].removeprefix("MB ")) < 12, lines[name]

"""Memory follows the rows that are asked for, however much a file packs into a byte."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.run import parquet, pieces
from common.run.batch import Batch
from common.run.parquet import PartReader
from common.run.part import PartError
from common.run.planned_part import Part
from common.settings import S3Settings
from workers.batch import rows as batch_rows
from workers.batch.rows import read_rows

NO_S3 = S3Settings()
ENCODINGS = ["PLAIN", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"]


def repeated(text: str, rows: int = 65_536) -> pa.Table:
    """One text in every row, which takes a few bytes in a dictionary."""
    return pa.table(
        {"URL": pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([text]))}
    )


def write(path: Path, table: pa.Table, options: Mapping[str, object] = MappingProxyType({})) -> Part:
    pq.write_table(table, path, **{"compression": "zstd", "store_schema": False, **options})
    return Part(id="p", address=str(path), rows=table.num_rows, size=path.stat().st_size)


READ = """
import sys
from common.errors import FleetError
from common.run.batch import Batch
from common.run.planned_part import Part
from common.settings import S3Settings
from producer.stage import _Stager
from tests.peak import peak_bytes
from workers.batch.rows import read_rows
from pathlib import Path

part, batch = Part.model_validate_json(sys.argv[1]), Batch("p", int(sys.argv[2]), int(sys.argv[3]))
before = peak_bytes()
try:
    if sys.argv[4]:
        _Stager(None, None, batch.rows, S3Settings(), lambda rows: None)._copy(part, Path(sys.argv[4]))
    else:
        print(read_rows(part, batch, S3Settings()).nbytes >> 20)
except FleetError as error:
    print(error)
print(peak_bytes() - before >> 20)
"""


def read_apart(part: Part, first: int, rows: int, copy: str = "") -> tuple[str, int]:
    """What a process of its own says of a batch, and the megabytes that it took for it."""
    words = [sys.executable, "-c", READ, part.model_dump_json(), str(first), str(rows), copy]
    said = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    return "".join(said[:-1]), int(said[-1])


BOMBS: dict[str, dict[str, object]] = {
    "dictionary": {"dictionary_pagesize_limit": 1 << 30},
    "arrow-dictionary": {"dictionary_pagesize_limit": 1 << 30, "store_schema": True},
    "prefixes": {"use_dictionary": False, "column_encoding": {"URL": "DELTA_BYTE_ARRAY"}},
}


@pytest.mark.parametrize("first", [0, 29_000])
@pytest.mark.parametrize("kind", BOMBS)
def test_a_small_batch_of_a_packed_part_takes_little_memory(kind: str, first: int, tmp_path: Path) -> None:
    rows = 65_536 if "dictionary" in kind else 30_000  # prefixes are written in full: keep the test short
    table = repeated("http://x/" + "a" * (100_000 if "dictionary" in kind else 10_000), rows)
    table = table if "dictionary" in kind else table.cast(pa.schema([("URL", pa.string())]))
    part = write(tmp_path / "bomb.parquet", table, BOMBS[kind])
    assert part.size < 1_000_000
    said, megabytes = read_apart(part, first, 100)
    assert said.isdigit(), said
    assert megabytes < 150


def test_a_batch_of_too_much_text_is_one_line(tmp_path: Path) -> None:
    table = repeated("http://x/" + "a" * 100_000)
    part = write(tmp_path / "bomb.parquet", table, BOMBS["dictionary"])
    said, megabytes = read_apart(part, 0, 65_536)
    assert (
        "the 65536 rows from 0 on hold more than 1 GB of text; start a run with a smaller --batch-rows"
        in said
    )
    assert megabytes < 1_800


def test_staging_a_packed_part_takes_little_memory(tmp_path: Path) -> None:
    table = repeated("http://x/" + "a" * 100_000, 10_000)
    part = write(tmp_path / "bomb.parquet", table, BOMBS["dictionary"])
    _, megabytes = read_apart(part, 0, 10_000, str(tmp_path / "copy.parquet"))
    copy = pq.ParquetFile(tmp_path / "copy.parquet").metadata
    assert copy.num_rows == 10_000
    assert copy.num_row_groups > 1
    assert megabytes < 1_000


@pytest.mark.parametrize("group", [7, 100, 1000])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_any_encoding_gives_the_same_rows(encoding: str, group: int, tmp_path: Path) -> None:
    table = pa.table({"URL": [f"http://192.0.2.1/{row}" for row in range(1000)], "TEXT": ["t", None] * 500})
    encodings = dict.fromkeys(table.column_names, encoding)
    options = {"use_dictionary": False, "column_encoding": encodings, "row_group_size": group}
    part = write(tmp_path / "part.parquet", table, options)
    for first, count in ((0, 1000), (0, 1), (150, 700), (999, 1)):
        found = read_rows(part, Batch("p", first, count), NO_S3).select(table.column_names)
        assert found.to_pydict() == table.slice(first, count).to_pydict()


def test_an_encoding_that_changes_within_a_part(tmp_path: Path) -> None:
    """DuckDB chooses anew for each row group: here a dictionary, then an encoding that allows none."""
    path = tmp_path / "part.parquet"
    duckdb.sql(
        f"COPY (SELECT 'http://h/' || CASE WHEN i < 4096 THEN i % 2 ELSE i END AS URL FROM range(8192) r(i))"
        f" TO '{path}' (PARQUET_VERSION v2, ROW_GROUP_SIZE 2048)"
    )
    footer = pq.read_metadata(path)
    encodings = [set(footer.row_group(group).column(0).encodings) for group in range(footer.num_row_groups)]
    assert "RLE_DICTIONARY" in encodings[0]
    assert any("DELTA" in encoding for encoding in encodings[-1])
    part = Part(id="p", address=str(path), rows=8192, size=path.stat().st_size)
    found = read_rows(part, Batch("p", 1000, 7000), NO_S3)["URL"].to_pylist()
    assert found == [f"http://h/{row % 2 if row < 4096 else row}" for row in range(1000, 8000)]


def test_pieces_are_cut_by_their_bytes_and_texts_never(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "PIECE_BYTES", 1000)
    texts = ["x" * length for length in (10, 990, 5000, 0, 300, 300, 300, 300)]
    path = tmp_path / "part.parquet"
    write(path, pa.table({"URL": texts}))
    with path.open("rb") as file:
        found = [piece["URL"].cast(pa.string()).to_pylist() for piece in PartReader(file, "p").pieces(0, 8)]
    assert [text for piece in found for text in piece] == texts
    assert all(len(piece) == 1 or sum(map(len, piece)) <= 1000 for piece in found)


def test_a_text_beyond_the_limit_is_the_parts_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "TEXT_BYTES", 2 << 20)
    texts = ["x", "y" * (2 << 20), "z" * ((2 << 20) + 1)]
    part = write(tmp_path / "part.parquet", pa.table({"URL": texts}))
    assert read_rows(part, Batch("p", 0, 2), NO_S3)["URL"].to_pylist() == texts[:2]
    with pytest.raises(PartError, match="column URL of row 2 holds 2 MB of text, more than 2"):
        read_rows(part, Batch("p", 0, 3), NO_S3)


def test_a_batch_may_hold_as_much_text_as_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_rows, "BATCH_BYTES", 50_000)
    part = write(tmp_path / "part.parquet", repeated("x" * 1000, 100))
    assert read_rows(part, Batch("p", 0, 40), NO_S3).num_rows == 40
    with pytest.raises(PartError, match="smaller --batch-rows"):
        read_rows(part, Batch("p", 0, 60), NO_S3)

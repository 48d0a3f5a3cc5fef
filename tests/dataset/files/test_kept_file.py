"""A file without some of its rows: touched row groups are encoded anew, the others copied byte for byte."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from common.console.cli import load_settings
from common.parquet.thrift import MalformedError, Value, write_struct
from common.run.part import PartError
from common.store import Store
from dataset.figures.tally import Tally
from dataset.files.data_file import open_data_file, read_tally
from dataset.files.footer import CHUNK, CHUNK_BYTES, COLUMNS, DATA_PAGE, Footer, RowGroup, read_footer
from dataset.files.kept_file import KeptFile
from dataset.files.merged import DataFile, Merged
from dataset.files.row_group_writer import RowGroupWriter
from dataset.merge.flow import Options
from tests.dataset.conftest import NewStore
from tests.dataset.merge.runs import make_run, merge_runs, row

ROWS = 300
PER_GROUP = 50


@pytest.fixture
def a_data_set(folder_store: NewStore, monkeypatch: pytest.MonkeyPatch) -> tuple[Store, Merged]:
    """One file of six row groups."""
    monkeypatch.setattr("dataset.files.data_writer.ROW_GROUP_ROWS", PER_GROUP)
    store = folder_store("run")
    batches = [[row(f"{n}") for n in range(first, first + PER_GROUP)] for first in range(0, ROWS, PER_GROUP)]
    return store, merge_runs([make_run(store, *batches)], store, Options())


def rewrite(store: Store, merged: Merged, path: Path, lost: set[int]) -> DataFile:
    """The data set's only file without the rows at these positions, as `path`."""

    def keeps(rows: pa.RecordBatch, first: int) -> pa.Array:
        return pa.array([first + n not in lost for n in range(rows.num_rows)], pa.bool_())

    (old,) = merged.files
    new = DataFile(key=f"data/{path.name}", rows=old.rows - len(lost), origin="new")
    kept = KeptFile(new, store, old, ("URL",), keeps, load_settings().s3)
    kept.write(path, merged, 2, lambda _: None)
    return new


def old_path(store: Store, merged: Merged) -> Path:
    return Path(store.uri, merged.keys[0])


def chunk_bytes(path: Path, group: int) -> list[bytes]:
    """The bytes of each column chunk."""
    with path.open("rb") as file:
        footer = read_footer(file)
        body = path.read_bytes()
        about = [column[CHUNK].content for column in footer.groups[group][COLUMNS].content.values]
        places = [min(one[field].content for field in (DATA_PAGE, 11) if field in one) for one in about]
        return [body[at : at + one[CHUNK_BYTES].content] for at, one in zip(places, about, strict=True)]


LOST = {0, 7, *range(100, 150), 299}
"""Two of the first group, all of the third, the last of the last."""


def test_untouched_row_groups_keep_their_bytes_and_the_rest_its_rows(
    a_data_set: tuple[Store, Merged], tmp_path: Path
) -> None:
    store, merged = a_data_set
    before = pq.read_table(old_path(store, merged))
    assert pq.ParquetFile(old_path(store, merged)).num_row_groups == 6
    rewrite(store, merged, tmp_path / "new.parquet", LOST)
    after = pq.ParquetFile(tmp_path / "new.parquet")
    kept = pa.array([n not in LOST for n in range(ROWS)])
    assert after.read().equals(before.filter(kept))
    assert [after.metadata.row_group(n).num_rows for n in range(after.num_row_groups)] == [48, 50, 50, 50, 49]
    for new, old in ((1, 1), (2, 3), (3, 4)):
        assert chunk_bytes(tmp_path / "new.parquet", new) == chunk_bytes(old_path(store, merged), old)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["new.parquet"]


def test_other_readers_read_it_by_page_index_and_statistics(
    a_data_set: tuple[Store, Merged], tmp_path: Path
) -> None:
    store, merged = a_data_set
    path = tmp_path / "new.parquet"
    rewrite(store, merged, path, LOST)
    chunk = pq.ParquetFile(path).metadata.row_group(3).column(0)
    assert (chunk.has_offset_index, chunk.has_column_index) == (True, True)
    wanted = pq.read_table(path)["URL"].to_pylist()[170:180]
    quoted = ", ".join(f"'{url}'" for url in wanted)
    found = duckdb.execute(f"SELECT URL FROM '{path}' WHERE URL IN ({quoted})").fetchall()
    assert sorted(url for (url,) in found) == sorted(wanted)
    assert sorted(pl.scan_parquet(path).filter(pl.col("URL").is_in(wanted)).collect()["URL"]) == sorted(
        wanted
    )


def test_the_footer_is_the_new_files_own(a_data_set: tuple[Store, Merged]) -> None:
    store, merged = a_data_set
    new = rewrite(store, merged, Path(store.uri, "data", "new.parquet"), LOST)
    s3 = load_settings().s3
    counted = Tally()
    with open_data_file(store, new, s3) as parquet:
        counted.add(parquet.read())
    assert read_tally(store, [new], s3).to_json() == counted.to_json()
    with pytest.raises(PartError, match="a file of something else"):
        read_tally(store, [new.model_copy(update={"origin": "old"})], s3)


def test_a_file_of_other_columns_is_written_anew(a_data_set: tuple[Store, Merged], tmp_path: Path) -> None:
    """As another version of pyarrow may have laid it out: here a column that is required."""
    store, merged = a_data_set
    path = old_path(store, merged)
    before = pq.ParquetFile(path)
    table, metadata = before.read(), before.metadata.metadata
    schema = pa.schema([table.schema.field(0).with_nullable(False), *list(table.schema)[1:]])
    with pq.ParquetWriter(path, schema) as writer:
        writer.write_table(table.cast(schema), row_group_size=PER_GROUP)
        writer.add_key_value_metadata({k: v for k, v in metadata.items() if k != b"ARROW:schema"})
    rewrite(store, merged, tmp_path / "new.parquet", {5})
    after = pq.ParquetFile(tmp_path / "new.parquet")
    assert after.schema_arrow.field(0).nullable
    assert after.read()["URL"].to_pylist() == [
        url for n, url in enumerate(table["URL"].to_pylist()) if n != 5
    ]


def test_a_struct_is_written_as_it_was_read() -> None:
    table = pa.table(
        {
            "text": [None, *(f"{n}" for n in range(2000))],
            "flag": [n % 3 == 0 for n in range(2001)],
            "list": [[float(n)] * (n % 4) for n in range(2001)],
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=100, write_page_index=True, data_page_size=64)
    footer = read_footer(sink)
    body = sink.getvalue()[footer.place : -8]
    assert write_struct(footer.fields) == body


def small(body: Callable[[pa.Table], pa.Table] = lambda table: table) -> BinaryIO:
    sink = io.BytesIO()
    pq.write_table(body(pa.table({"a": [1, 2, 3]})), sink)
    return sink


def rename(table: pa.Table) -> pa.Table:
    return table.rename_columns(["b"])


def far(footer: Footer) -> None:
    footer.groups[0][COLUMNS].content.values[0][CHUNK].content[CHUNK_BYTES] = Value(6, 10**12)


def early(footer: Footer) -> None:
    for field in (DATA_PAGE, 11):
        footer.groups[0][COLUMNS].content.values[0][CHUNK].content[field] = Value(6, -1)


@pytest.mark.parametrize("damage", [far, early])
def test_places_outside_a_file_are_refused(damage: Callable[[Footer], Any]) -> None:
    file = small()
    footer = read_footer(file)
    damage(footer)
    with pytest.raises(MalformedError, match="outside"):
        RowGroupWriter(io.BytesIO(), footer).add(RowGroup(file, footer, 0))


def test_other_columns_are_refused() -> None:
    file = small()
    writer = RowGroupWriter(io.BytesIO(), read_footer(small(rename)))
    with pytest.raises(MalformedError, match="other columns"):
        writer.add(RowGroup(file, read_footer(file), 0))


@pytest.mark.parametrize(
    "body", [b"", b"PAR1", b"PAR1" + b"\xff" * 8, b"PAR1\x19\xfc\xff\xff\xff\x0f\x06\0\0\0PAR1"]
)
def test_what_is_no_parquet_file_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedError):
        read_footer(io.BytesIO(body))


def test_a_tally_forgets_rows() -> None:
    table = pa.table(
        {
            "top_caption": ["a", "bb", "bb"],
            "all_captions": [["a"], ["b", "c"], ["b"]],
            "all_similarities": [[0.1], [0.2, 0.1], [None]],
        },
        schema=pa.schema(
            [
                ("top_caption", pa.string()),
                ("all_captions", pa.list_(pa.string())),
                ("all_similarities", pa.list_(pa.float64())),
            ]
        ),
    )
    left, lost, rest = Tally(), Tally(), Tally()
    left.add(table)
    lost.add(table.filter(pc.equal(table["top_caption"], "a")))
    rest.add(table.filter(pc.equal(table["top_caption"], "bb")))
    left.subtract(lost)
    assert left.to_json() == rest.to_json()

"""The rows of a batch: whatever the part calls its columns, however it is cut into row groups."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.run.batch import Batch
from common.run.part import PartError
from common.run.planned_part import Part
from common.run.schema import PUBLISHED
from common.settings import S3Settings
from producer.plan import plan_part
from tests.samples import write_part
from tests.servers.seaweed import Seaweed
from workers.batch.rows import read_rows

NO_S3 = S3Settings()
INPUT = ["URL", "TEXT", "WIDTH", "HEIGHT", "similarity", "hash", "pwatermark", "punsafe"]


def rows_of(path: Path, first: int = 0, count: int | None = None) -> pa.Table:
    part = plan_part(str(path), NO_S3)
    return read_rows(part, Batch(part.id, first, part.rows if count is None else count), NO_S3)


def column(tmp_path: Path, name: str, values: pa.Array) -> list[Any]:
    path = write_part(tmp_path / "part.parquet", len(values), **{name: values})
    return rows_of(path)[name].to_pylist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("group", [1, 3, 10, 100])
@pytest.mark.parametrize(("first", "count"), [(0, 100), (0, 1), (99, 1), (29, 2), (30, 30)])
def test_any_range_over_any_row_groups(tmp_path: Path, group: int, first: int, count: int) -> None:
    path = tmp_path / "part.parquet"
    pq.write_table(pa.table({"URL": [str(row) for row in range(100)]}), path, row_group_size=group)
    assert rows_of(path, first, count)["URL"].to_pylist() == [str(row) for row in range(first, first + count)]


def test_columns_have_the_published_names_and_types(tmp_path: Path) -> None:
    path = write_part(tmp_path / "part.parquet", 2, URL=None, TEXT=None, url=["a", "b"], caption=["x", None])
    table = rows_of(path)
    assert table.schema.equals(pa.schema([PUBLISHED.field(name) for name in INPUT]))
    assert (table["URL"].to_pylist(), table["TEXT"].to_pylist()) == (["a", "b"], ["x", None])
    assert table["WIDTH"].null_count == 2


def test_the_published_spelling_wins(tmp_path: Path) -> None:
    table = rows_of(write_part(tmp_path / "part.parquet", 1, url=["other"], URL=["this"]))
    assert table["URL"].to_pylist() == ["this"]


def test_what_cannot_be_cast_is_null_and_the_rest_stays(tmp_path: Path) -> None:
    assert column(tmp_path, "WIDTH", pa.array(["640", "wide", None, "-1"])) == [640, None, None, -1]
    assert column(tmp_path, "HEIGHT", pa.array([1.0, 2.5, 3.0])) == [1, None, 3]
    assert column(tmp_path, "hash", pa.array([1, 2**63], pa.uint64())) == [1, None]
    assert column(tmp_path, "punsafe", pa.array([0.5, None], pa.float32())) == [0.5, None]
    assert column(tmp_path, "similarity", pa.array([[1.0], [2.0]])) == [None, None]


def test_text_is_kept_byte_for_byte(tmp_path: Path) -> None:
    odd = ["  spaces ", "e\u0301", "\u202egnp.exe", "line\nbreak\ttab", "", "\U0001f600" * 1000]
    assert column(tmp_path, "TEXT", pa.array(odd)) == odd
    assert column(tmp_path, "TEXT", pa.array(odd, pa.large_string())) == odd
    assert column(tmp_path, "TEXT", pa.array(odd).dictionary_encode()) == odd


def test_bytes_that_are_no_text_are_null(tmp_path: Path) -> None:
    assert column(tmp_path, "URL", pa.array([b"http://a/", b"\xff\xfe", None])) == ["http://a/", None, None]


def test_a_part_that_changed_is_an_error(tmp_path: Path) -> None:
    path = write_part(tmp_path / "part.parquet", 10)
    part = plan_part(str(path), NO_S3)
    write_part(path, 11)
    with pytest.raises(PartError, match="changed since it was enqueued"):
        read_rows(part, Batch(part.id, 0, 10), NO_S3)


def test_a_damaged_part_is_an_error(tmp_path: Path) -> None:
    path = write_part(tmp_path / "part.parquet", 1000)
    part = plan_part(str(path), NO_S3)
    body = path.read_bytes()
    path.write_bytes(body[:4] + bytes(2000) + body[2004:])
    with pytest.raises(PartError, match="damaged"):
        read_rows(part, Batch(part.id, 0, 1000), NO_S3)


def test_on_s3_the_version_that_was_planned_is_read(s3_environment: Seaweed, tmp_path: Path) -> None:
    bucket, client = s3_environment.bucket("rows"), s3_environment.client()
    settings = S3Settings(endpoint_url=s3_environment.endpoint_url)
    client.put_object(Bucket=bucket, Key="p", Body=write_part(tmp_path / "a", 10).read_bytes())
    part: Part = plan_part(f"s3://{bucket}/p", settings)
    batch = Batch(part.id, 3, 4)
    assert read_rows(part, batch, settings)["TEXT"].to_pylist() == [f"text {row}" for row in range(3, 7)]
    client.put_object(
        Bucket=bucket, Key="p", Body=write_part(tmp_path / "b", 10, url="other{row}").read_bytes()
    )
    with pytest.raises(PartError, match="changed"):
        read_rows(part, batch, settings)

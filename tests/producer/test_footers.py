"""Footers and columns that cannot be: refused while planning, in one line that says why, within seconds."""

import base64
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest

from common.errors import FleetError
from common.run.batch import Batch
from common.run.manifest import read_part
from common.run.part import PartError
from common.run.planned_part import MAX_BATCHES, MAX_ROWS, Part
from common.settings import S3Settings
from common.store import open_store
from producer.plan import plan_part
from tests.footers import lying_parquet

NO_S3 = S3Settings()


def refusal(path: Path) -> str:
    with pytest.raises(PartError) as refused:
        plan_part(str(path), NO_S3)
    line = str(refused.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    ("rows", "groups", "line"),
    [
        (2**62, (), "claims 4611686018427387904 rows and its row groups 0"),
        (10, (), "claims 10 rows and its row groups 0"),
        (10, (4, 5), "claims 10 rows and its row groups 9"),
        (2**62, (2**62,), "more than such a file can hold"),
        (10**6, (10**6,), "more than such a file can hold"),
        (-1, (-1,), "claims -1 rows"),
        (4, (5, -1), "claims 4 rows"),
        (0, (), "no rows"),
    ],
)
def test_rows_are_the_sum_of_the_row_groups(
    rows: int, groups: tuple[int, ...], line: str, tmp_path: Path
) -> None:
    path = tmp_path / "lie.parquet"
    path.write_bytes(lying_parquet(rows, groups=groups))
    assert line in refusal(path)


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        ([b"URL", b"URL"], "two columns are named URL"),
        ([b"url", b"TEXT", b"TEXT"], "two columns are named TEXT"),
        ([b"url", b"hash", b"hash"], "two columns are named hash"),
        ([b"URL\xff"], "the name of a column is not UTF-8"),
        ([b"URL", b"\xfe\xff"], "the name of a column is not UTF-8"),
        ([b"URL", *(b"c%d" % number for number in range(20_000))], "20001 columns; at most 10000"),
        ([b"address"], "no URL column among address"),
    ],
    ids=["urls", "texts", "hashes", "bad-name", "bad-other-name", "wide", "none"],
)
def test_columns_that_cannot_be_told_apart(columns: list[bytes], line: str, tmp_path: Path) -> None:
    path = tmp_path / "lie.parquet"
    path.write_bytes(lying_parquet(5, columns, (5,)))
    assert line in refusal(path)


NESTED = {
    "list<element: string>": [["a dog", "a brown dog"]] * 3,
    "struct<en: string>": [{"en": "a dog"}] * 3,
    "map<string, string>": pa.array([[("en", "a dog")]] * 3, pa.map_(pa.string(), pa.string())),
    "large_list<element: string>": pa.array([["a dog"]] * 3, pa.large_list(pa.string())),
    "fixed_size_list<element: string>[1]": pa.array([["a dog"]] * 3, pa.list_(pa.string(), 1)),
}


@pytest.mark.parametrize("column", ["URL", "TEXT", "caption"])
@pytest.mark.parametrize("kind", NESTED)
def test_a_nested_column_is_refused_with_its_type(kind: str, column: str, tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    links = {} if column == "URL" else {"URL": ["http://192.0.2.1/"] * 3}
    pq.write_table(pa.table({**links, column: NESTED[kind]}), path)
    line = refusal(path)
    assert f"column {column} holds {kind.partition('<')[0]}" in line
    assert "make it text" in line


@pytest.mark.parametrize("kind", [pa.int64(), pa.float32(), pa.bool_(), pa.null()])
def test_links_that_are_no_text_are_refused(kind: pa.DataType, tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    pq.write_table(pa.table({"URL": pa.array([None] * 3, kind)}), path)
    assert f"column URL holds {kind}, not text" in refusal(path)


class _NoSafe(pe.KmsClient):  # type: ignore[misc]
    """Keys in the open: enough to write an encrypted file."""

    def __init__(self, _: object) -> None:
        super().__init__()

    def wrap_key(self, key: bytes, _: str) -> bytes:
        return base64.b64encode(key)


@pytest.mark.parametrize("plain_footer", [False, True])
def test_an_encrypted_part_is_named_so(plain_footer: bool, tmp_path: Path) -> None:
    settings = pe.EncryptionConfiguration(
        footer_key="f",
        column_keys={"c": ["URL"]},
        plaintext_footer=plain_footer,
        cache_lifetime=timedelta(minutes=5),
    )
    factory = pe.CryptoFactory(_NoSafe)
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), settings)
    table, path = pa.table({"URL": ["http://192.0.2.1/"] * 5}), tmp_path / "part.parquet"
    with pq.ParquetWriter(path, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    assert "encrypted parquet file; decrypt it first" in refusal(path)


@pytest.mark.parametrize("rows", [MAX_ROWS + 1, 2**62, 0, -1])
def test_a_manifest_that_claims_such_rows_is_refused(rows: int, tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a-1.json").write_text(f'{{"id":"a-1","address":"/a","rows":{rows},"size":9}}')
    with pytest.raises(FleetError, match="not a manifest of ours"):
        read_part(open_store(str(tmp_path), NO_S3), "a-1")


def test_batches_are_found_by_arithmetic_and_bounded() -> None:
    part = Part(id="a-1", address="/a", rows=MAX_ROWS, size=9)
    assert part.batch_at(MAX_ROWS - 1, 1) == Batch("a-1", MAX_ROWS - 1, 1)
    assert part.batch_at(MAX_ROWS - 10, 10_000) is None
    assert part.batch_at(MAX_ROWS, 10_000) is None
    assert part.batch_at(-10_000, 10_000) is None
    with pytest.raises(FleetError, match=f"more than {MAX_BATCHES} a part"):
        next(part.batches(1))
    small = Part(id="a-1", address="/a", rows=25, size=9)
    assert [small.batch_at(first, 10) for first in (0, 10, 20)] == list(small.batches(10))

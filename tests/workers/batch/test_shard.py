"""The shard holds the contract's columns, in order, with its types, and says where it comes from."""

import io
import json
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.run.batch import Batch
from common.run.schema import OURS, PASSED_THROUGH, PUBLISHED, SHARD
from common.run.status import Status
from workers.batch.outcome import Outcome
from workers.batch.shard import is_identical, shard_bytes
from workers.captions import Captions

CAPTIONS = Captions(("a dog", "a cat"), (0.3, 0.2), ("a cat", "a dog"), (0.5, 0.4), "a cat")
BATCH = Batch("part-0", 20, 2)


def rows() -> pa.Table:
    table = {"URL": ["u1", "u2"], "TEXT": ["t1", None], **{name: [1, None] for name in PASSED_THROUGH}}
    return pa.table({name: pa.array(table[name], PUBLISHED.field(name).type) for name in table})


def shard() -> bytes:
    outcomes = [Outcome(Status.OK, None, "ab" * 32, CAPTIONS), Outcome(Status.HTTP_4XX, "404")]
    return shard_bytes(rows(), outcomes, BATCH, {"run": "/run", "version": "1"})


def test_columns_order_and_types() -> None:
    schema = pq.read_schema(io.BytesIO(shard()))
    assert schema.names == [*PUBLISHED.names, *OURS.names]
    assert schema.equals(SHARD)
    assert str(schema.field("all_similarities").type) == "list<element: double>"


def test_values() -> None:
    good, bad = pq.read_table(io.BytesIO(shard())).to_pylist()
    assert (good["top_caption"], good["all_captions"], good["all_similarities"]) == (
        "a cat", ["a dog", "a cat"], [0.3, 0.2],
    )  # fmt: skip
    assert (good["shortlist"], good["shortlist_similarities"]) == (["a cat", "a dog"], [0.5, 0.4])
    assert (good["part"], good["row"], bad["row"], good["status"]) == ("part-0", 20, 21, "ok")
    assert (bad["status"], bad["error"], bad["URL"]) == ("http_4xx", "404", "u2")
    captions = (
        "top_caption",
        "all_captions",
        "all_similarities",
        "shortlist",
        "shortlist_similarities",
        "sha256",
    )
    assert all(bad[name] is None for name in captions)


def test_metadata_says_where_it_comes_from() -> None:
    metadata = pq.read_metadata(io.BytesIO(shard())).metadata
    assert json.loads(metadata[b"fleet"]) == {"run": "/run", "version": "1", "batch": "part-0/000000000020"}


def test_an_outcome_for_each_row_or_no_shard() -> None:
    with pytest.raises(ValueError, match="length"):
        shard_bytes(rows(), [Outcome(Status.TIMEOUT)], BATCH, {})


FLOATS = [field.name for field in SHARD if pa.types.is_float64(getattr(field.type, "value_type", field.type))]
NAN = math.nan


def test_nan_in_every_float_column_is_nan_in_the_shard() -> None:
    """polars and DuckDB write NaN where pandas would write null."""
    table = rows()
    for name in set(FLOATS) & set(PASSED_THROUGH):
        table = table.set_column(table.schema.get_field_index(name), name, pa.array([NAN, 0.5]))
    captions = Captions(("a dog", "a cat"), (NAN, 0.2), ("a cat", "a dog"), (NAN, NAN), "a cat")
    outcomes = [Outcome(Status.OK, None, "ab", captions), Outcome(Status.OK, None, "ab", CAPTIONS)]
    made = pq.read_table(io.BytesIO(shard_bytes(table, outcomes, BATCH, {})))
    assert {"similarity", "pwatermark", "punsafe", "all_similarities", "shortlist_similarities"} == set(
        FLOATS
    )
    for name in FLOATS:
        first, second = (value if isinstance(value, list) else [value] for value in made[name].to_pylist())
        assert math.isnan(first[0]), name
        assert not any(map(math.isnan, second)), name


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([[1.0], None], [[1.0], []]),
        ([[1.0, 2.0], []], [[1.0], [2.0]]),
        ([[NAN], [1.0]], [[NAN], [None]]),
        ([[NAN], [1.0]], [[1.0], [NAN]]),
    ],
)
def test_identical_is_more_than_the_same_values(left: list[object], right: list[object]) -> None:
    tables = [pa.table({"x": pa.array(values, pa.list_(pa.float64()))}) for values in (left, right)]
    assert all(is_identical(table, table) for table in tables)
    assert not is_identical(*tables)


def test_a_damaged_page_does_not_read_back() -> None:
    """zstd alone has no checksum: a changed byte of a literal would be another caption."""
    body = bytearray(shard())
    column = pq.read_metadata(io.BytesIO(bytes(body))).row_group(0).column(2)
    body[column.dictionary_page_offset + column.total_compressed_size // 4] ^= 1
    with pytest.raises(OSError, match=r"(?i)crc|checksum"):
        pq.read_table(io.BytesIO(bytes(body)), page_checksum_verification=True)

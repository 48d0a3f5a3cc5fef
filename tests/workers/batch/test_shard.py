"""The shard holds the contract's columns, in order, with its types, and says where it comes from."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.run.manifest import Batch
from common.run.schema import OURS, PASSED_THROUGH, PUBLISHED, SHARD, Status
from workers.batch.outcome import Outcome
from workers.batch.shard import shard_bytes
from workers.cascade import Captions

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

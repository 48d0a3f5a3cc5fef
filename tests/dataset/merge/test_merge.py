"""A whole merge, over real runs: what goes in comes out once, and everything is accounted for."""

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.console.cli import load_settings
from common.deny.deny_list import parse_deny_list
from common.errors import FleetError
from common.run.part import open_part
from common.run.schema import OURS, PUBLISHED
from common.run.status import Status
from common.settings import S3Settings, SamplingSettings
from common.store import Store
from dataset.errors import BadRunError
from dataset.files.folder import read_merged
from dataset.files.merged import Merged
from dataset.merge.flow import Options, merge
from dataset.merge.outcomes import Filters
from tests.dataset.conftest import NewStore
from tests.dataset.synthetic import (
    RunShape,
    captioned,
    failed,
    parquet,
    random_rows,
    retried,
    write_manifest,
    write_run,
    write_shard,
)

SHAPE = RunShape()
SMALL_FILES = Options(part_size=20_000)


def run_merge(stores: Sequence[Store], output: Store, options: Options = SMALL_FILES) -> Merged:
    return merge([store.uri for store in stores], output.uri, options, load_settings().s3)


def expected_rows(shape: RunShape) -> list[dict[str, Any]]:
    """The plain way: every row in order, the first good one of each address and caption; no opt-out's."""
    rows = [row for batch in sorted(shape.batches(), key=lambda b: b.id) for row in random_rows(shape, batch)]
    opted_out = {row["URL"] for row in rows if row["status"] == Status.OPT_OUT}
    good: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        if row["status"] == Status.OK and row["URL"] not in opted_out:
            good.setdefault((row["URL"], row["TEXT"]), row)
    return list(good.values())


def merged_rows(store: Store, merged: Merged) -> pa.Table:
    bodies = [store.read(key) for key in merged.keys]
    return pa.concat_tables([pq.read_table(pa.BufferReader(body)) for body in bodies])


def one_batch_run(store: Store, rows: list[dict[str, Any]], **changes: Any) -> None:
    shape = replace(SHAPE, parts=1, part_rows=len(rows), batch_rows=max(len(rows), 1), **changes)
    write_manifest(store, shape)
    (batch,) = shape.batches()
    write_shard(store, shape, batch, rows)


def row(name: str, status: Status = Status.OK, text: str = "a text", *, seed: int = 0) -> dict[str, Any]:
    bare = {"URL": f"https://images.example/{name}.jpg", "TEXT": text}
    return captioned(bare, random.Random(f"{name}{seed}")) if status == Status.OK else failed(bare, status)


def test_every_good_row_comes_out_once_and_in_order(new_store: NewStore) -> None:
    write_run(new_store("run"), SHAPE)
    merged = run_merge([new_store("run")], new_store("out"))
    table = merged_rows(new_store("out"), merged)
    expected = expected_rows(SHAPE)
    assert len(merged.keys) > 3
    assert table.schema.equals(PUBLISHED)
    assert table.to_pylist() == [{name: row.get(name) for name in PUBLISHED.names} for row in expected]
    assert merged.counts.rows_in == 500
    assert merged.counts.rows_out == len(expected)
    assert merged.counts.duplicates > 10


def test_how_much_fits_in_memory_changes_no_byte(
    folder_store: NewStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(folder_store("run"), SHAPE)
    roomy = run_merge([folder_store("run")], folder_store("roomy"))
    monkeypatch.setattr("dataset.merge.spill.ROWS_IN_MEMORY", 40)
    monkeypatch.setattr("dataset.merge.spill.MOST_BUCKETS", 8)
    monkeypatch.setattr("dataset.merge.ledger.MOST_BUCKETS", 4)
    tight = run_merge([folder_store("run")], folder_store("tight"))
    assert tight == roomy
    for key in (*roomy.keys, "README.md"):
        assert folder_store("tight").read(key) == folder_store("roomy").read(key)


def test_the_failure_table_is_what_the_shards_say(folder_store: NewStore) -> None:
    write_run(folder_store("run"), SHAPE)
    merged = run_merge([folder_store("run")], folder_store("out"))
    statuses = Counter(row["status"] for batch in SHAPE.batches() for row in random_rows(SHAPE, batch))
    good = statuses.pop(Status.OK)
    assert merged.counts.failures == statuses
    assert merged.counts.rows_out + merged.counts.duplicates + merged.counts.filtered["opted_out"] == good
    assert merged.counts.superseded == 0


def test_our_columns_are_kept_on_request(folder_store: NewStore) -> None:
    write_run(folder_store("run"), SHAPE)
    merged = run_merge([folder_store("run")], folder_store("out"), replace(SMALL_FILES, keep_columns=True))
    table = merged_rows(folder_store("out"), merged)
    assert table.schema.equals(pa.schema([*PUBLISHED, *OURS]))
    assert set(table["status"].to_pylist()) == {"ok"}
    places = list(zip(table["part"].to_pylist(), table["row"].to_pylist(), strict=True))
    assert places == sorted(places)


def test_a_later_run_captions_what_failed(new_store: NewStore) -> None:
    first = [row("a"), row("b", Status.TIMEOUT), row("c", Status.HTTP_4XX), row("d", Status.TIMEOUT)]
    second = [row("b"), row("d", Status.DNS_ERROR)]
    one_batch_run(new_store("first"), first)
    one_batch_run(new_store("second"), second, seed=1)
    merged = run_merge([new_store("first"), new_store("second")], new_store("out"))
    urls = merged_rows(new_store("out"), merged)["URL"].to_pylist()
    assert urls == ["https://images.example/a.jpg", "https://images.example/b.jpg"]
    assert merged.counts.failures == {"http_4xx": 1, "dns_error": 1}
    assert merged.counts.superseded == 2
    assert merged.counts.rows_in == 6


def test_a_later_caption_replaces_an_earlier_one_and_a_later_failure_does_not(folder_store: NewStore) -> None:
    one_batch_run(folder_store("first"), [row("a"), row("b")])
    later = [row("a", seed=1), row("b", Status.TIMEOUT)]
    one_batch_run(folder_store("second"), later, seed=1)
    merged = run_merge([folder_store("first"), folder_store("second")], folder_store("out"))
    captions = merged_rows(folder_store("out"), merged)["top_caption"].to_pylist()
    assert captions == [row("b")["top_caption"], later[0]["top_caption"]]
    assert merged.counts.superseded == 2


def test_an_opt_out_that_a_later_run_met_is_honoured(folder_store: NewStore) -> None:
    one_batch_run(folder_store("first"), [row("a"), row("b")])
    one_batch_run(folder_store("second"), [row("a", Status.OPT_OUT)], seed=1)
    merged = run_merge([folder_store("first"), folder_store("second")], folder_store("out"))
    assert merged_rows(folder_store("out"), merged)["URL"].to_pylist() == ["https://images.example/b.jpg"]
    assert merged.counts.failures == {"opt_out": 1}


def test_identity_is_url_and_caption_byte_for_byte(folder_store: NewStore) -> None:
    rows = [row("a", text=text) for text in ("x", "X", "x ", "x", "")]
    rows += [{**row("a"), "TEXT": None}, {**row("a"), "TEXT": None}, {**row("a"), "TEXT": "-"}]
    rows += [{**row("a"), "URL": "u", "TEXT": "vw"}, {**row("a"), "URL": "uv", "TEXT": "w"}]
    one_batch_run(folder_store("run"), rows)
    merged = run_merge([folder_store("run")], folder_store("out"))
    texts = merged_rows(folder_store("out"), merged)["TEXT"].to_pylist()
    assert texts == ["x", "X", "x ", "", None, "-", "vw", "w"]
    assert merged.counts.duplicates == 2


def test_filters_take_out_and_count(new_store: NewStore) -> None:
    similar = [{**row(name), "all_similarities": [score, 0.0]} for name, score in (("a", 0.3), ("b", 0.1))]
    similar += [{**row("c"), "all_similarities": []}, {**row("d"), "all_similarities": [float("nan")]}]
    hosts = [
        {**row("h"), "URL": f"http://{host}/x.jpg", "all_similarities": [0.9]}
        for host in (
            "bad.example",
            "cdn.BAD.example:8080",
            "notbad.example",
            "user@bad.example",
            "bad.example.",
        )
    ]
    others = [{**row("u"), "URL": "http://fine.example/no.jpg", "all_similarities": [0.9]}]
    others += [{**row("v"), "sha256": "ab" * 32, "all_similarities": [0.9]}, row("w", Status.TIMEOUT)]
    one_batch_run(new_store("run"), [*similar, *hosts, *others])
    lines = ["# comment", "", "Bad.example", "http://fine.example/no.jpg", "AB" * 32]
    filters = Filters(0.2, parse_deny_list(lines, "list"))
    merged = run_merge([new_store("run")], new_store("out"), replace(SMALL_FILES, filters=filters))
    urls = merged_rows(new_store("out"), merged)["URL"].to_pylist()
    assert urls == ["https://images.example/a.jpg", "http://notbad.example/x.jpg"]
    assert merged.counts.filtered == {"low_similarity": 3, "denied": 6}
    assert merged.counts.rows_in == 12


def test_a_filtered_caption_does_not_let_an_earlier_one_back_in(folder_store: NewStore) -> None:
    one_batch_run(folder_store("first"), [{**row("a"), "all_similarities": [0.9]}])
    one_batch_run(folder_store("second"), [{**row("a"), "all_similarities": [0.1]}], seed=1)
    options = replace(SMALL_FILES, filters=Filters(0.2))
    with pytest.raises(BadRunError, match=r"no row is left \(2 rows in = 0 out"):
        run_merge([folder_store("first"), folder_store("second")], folder_store("out"), options)


@pytest.mark.parametrize("line", ["word", "two words.example", "a.example/path", "a@b.example"])
def test_a_deny_list_that_says_nothing_is_refused(line: str) -> None:
    with pytest.raises(FleetError, match=r"list, line 2: "):
        parse_deny_list(["fine.example", line], "list")


def test_files_have_a_page_index_statistics_and_useful_row_groups(folder_store: NewStore) -> None:
    write_run(folder_store("run"), SHAPE)
    merged = run_merge([folder_store("run")], folder_store("out"), Options())
    (key,) = merged.keys
    assert key == "data/train-00000-of-00001.parquet"
    with open_part(f"{folder_store('out').uri}/{key}", S3Settings()) as (file, _):
        metadata = pq.ParquetFile(file).metadata
    column = metadata.row_group(0).column(0)
    assert metadata.num_row_groups == 1
    assert column.compression == "ZSTD"
    assert column.has_offset_index
    assert column.has_column_index
    assert json.loads(metadata.metadata[b"fleet"])["dtypes"]["captioner"] == ["bfloat16"]


def test_file_sizes_come_near_what_was_asked(folder_store: NewStore) -> None:
    write_run(folder_store("run"), RunShape(parts=1, part_rows=6000, batch_rows=2000))
    asked = 300_000
    merged = run_merge([folder_store("run")], folder_store("out"), Options(part_size=asked))
    sizes = [entry.size for entry in folder_store("out").list("data")]
    assert len(sizes) == len(merged.keys) > 2
    assert all(asked * 0.5 < size < asked * 1.3 for size in sizes)


def test_what_is_missing_stops_the_merge_unless_told(folder_store: NewStore) -> None:
    store = folder_store("run")
    write_manifest(store, SHAPE)
    first, second, *_ = SHAPE.batches()
    with pytest.raises(BadRunError, match=r"6 of 6 batches have no shard \(0 dead\)"):
        run_merge([store], folder_store("out"))
    with pytest.raises(BadRunError, match="no shard yet"):
        run_merge([store], folder_store("out"), Options(allow_incomplete=True))
    write_shard(store, SHAPE, first, random_rows(SHAPE, first))
    store.create(f"failed/{second.id}.json", b"{}")
    with pytest.raises(BadRunError, match=r"5 of 6 batches have no shard \(1 dead\)"):
        run_merge([store], folder_store("out"))
    merged = run_merge([store], folder_store("out"), Options(allow_incomplete=True))
    assert merged.counts.rows_in == first.rows
    assert merged.recipe.missing_batches == 5


def test_a_folder_without_a_run(folder_store: NewStore) -> None:
    with pytest.raises(FleetError, match=r"nothing: no run here \(no run.json\)"):
        run_merge([folder_store("nothing")], folder_store("out"))
    assert not Path(folder_store("out").uri).exists()


def test_runs_made_otherwise_do_not_mix(folder_store: NewStore) -> None:
    one_batch_run(folder_store("first"), [row("a")])
    one_batch_run(folder_store("second"), [row("b")], seed=1, sampling=SamplingSettings(top_k=5))
    with pytest.raises(FleetError, match=r"mixed runs: sampling.top_k is 9607 in .*first and 5 in .*second"):
        run_merge([folder_store("first"), folder_store("second")], folder_store("out"))
    with pytest.raises(FleetError, match="given twice"):
        run_merge([folder_store("first"), folder_store("first")], folder_store("out"))


def test_a_retry_with_another_batch_size_mixes(folder_store: NewStore) -> None:
    write_run(folder_store("first"), SHAPE)
    rows = [row for batch in SHAPE.batches() for row in random_rows(SHAPE, batch) if row["status"] != "ok"]
    shape = retried(SHAPE, rows)
    write_manifest(folder_store("second"), shape)
    for batch in shape.batches():
        again = rows[batch.first_row : batch.first_row + batch.rows]
        captions = [captioned({n: r[n] for n in ("URL", "TEXT")}, random.Random(r["URL"])) for r in again]
        write_shard(folder_store("second"), shape, batch, captions)
    merged = run_merge([folder_store("first"), folder_store("second")], folder_store("out"))
    everything = [r for batch in SHAPE.batches() for r in random_rows(SHAPE, batch)]
    opted_out = {r["URL"] for r in everything if r["status"] == Status.OPT_OUT}
    left = {(r["URL"], r["TEXT"]) for r in everything if r["URL"] not in opted_out}
    assert merged.counts.rows_out == len(left)
    assert merged.counts.failures == {}


def test_a_shard_of_other_models_or_of_no_part_is_named(folder_store: NewStore) -> None:
    store = folder_store("run")
    write_manifest(store, SHAPE)
    first, *rest = SHAPE.batches()
    other = replace(SHAPE, sampling=SamplingSettings(lanes=8))
    write_shard(store, other, first, random_rows(SHAPE, first))
    for batch in rest:
        write_shard(store, SHAPE, batch, random_rows(SHAPE, batch))
    with pytest.raises(
        BadRunError, match=r"000000000000.parquet: mixed runs: it was made with lanes 8 instead of 40"
    ):
        run_merge([store], folder_store("out"))
    store.create("shards/stray/000000000000.parquet", b"")
    with pytest.raises(BadRunError, match=r"stray/0{12}\.parquet: of no part of this run"):
        run_merge([store], folder_store("out"))


def _truncate(body: bytes) -> bytes:
    return body[: len(body) // 2]


def _garbage_in_a_page(body: bytes) -> bytes:
    return body[:100] + bytes(400) + body[500:]


def _fewer_rows(body: bytes) -> bytes:
    return parquet(pq.read_table(pa.BufferReader(body)).slice(1))


def _other_columns(body: bytes) -> bytes:
    return parquet(pq.read_table(pa.BufferReader(body)).drop_columns("sha256"))


def _not_utf8(body: bytes) -> bytes:
    table = pq.read_table(pa.BufferReader(body))
    broken = pa.array([b"\xff\xfe"] * table.num_rows).view(pa.string())
    return parquet(table.set_column(1, table.schema.field(1), broken))


def _unknown_status(body: bytes) -> bytes:
    table = pq.read_table(pa.BufferReader(body))
    index = table.schema.get_field_index("status")
    return parquet(table.set_column(index, table.schema.field(index), pa.array(["fine"] * table.num_rows)))


@pytest.mark.parametrize(
    "damage",
    [_truncate, _garbage_in_a_page, _fewer_rows, _other_columns, _not_utf8, _unknown_status, lambda _: b""],
)
def test_a_corrupt_shard_is_one_line_and_nothing_is_written(folder_store: NewStore, damage: Any) -> None:
    store = folder_store("run")
    write_run(store, SHAPE)
    batch = sorted(SHAPE.batches(), key=lambda b: b.id)[3]
    path = Path(store.uri, batch.shard_key)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BadRunError) as caught:
        run_merge([store], folder_store("out"))
    assert batch.shard_key in str(caught.value)
    assert not list(folder_store("out").list(""))


def test_again_is_nothing_and_other_wishes_are_refused(new_store: NewStore) -> None:
    write_run(new_store("run"), SHAPE)
    first = run_merge([new_store("run")], new_store("out"))
    before = {entry.key: entry.size for entry in new_store("out").list("")}
    assert run_merge([new_store("run")], new_store("out")) == first == read_merged(new_store("out"))
    assert {entry.key: entry.size for entry in new_store("out").list("")} == before
    with pytest.raises(FleetError, match=r"another merge \(part size 20000 there, 30000 here\)"):
        run_merge([new_store("run")], new_store("out"), Options(part_size=30_000))


def test_the_run_itself_can_be_the_output(new_store: NewStore) -> None:
    store = new_store("run")
    write_run(store, SHAPE)
    merged = run_merge([store], store)
    assert run_merge([store], store) == merged
    keys = {entry.key.split("/")[0] for entry in store.list("")}
    assert keys == {"run.json", "parts", "shards", "data", "merge.json", "README.md"}

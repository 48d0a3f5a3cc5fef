"""Sampling is by chance alone, and the same chance every time."""

from collections import Counter

from common.run.status import Status
from common.settings import S3Settings
from common.store import Store
from dataset.rows.row_source import open_rows
from dataset.rows.sample import Sample, draw
from tests.dataset.conftest import NewStore
from tests.dataset.synthetic import RunShape, failed, random_rows, write_manifest, write_run, write_shard

SHAPE = RunShape(parts=2, part_rows=120, batch_rows=50)


def draw_from(store: Store, wanted: int, seed: int) -> Sample:
    return draw(open_rows(store.uri, None, S3Settings()), wanted, seed)


def test_the_seed_alone_decides(folder_store: NewStore) -> None:
    write_run(folder_store("run"), SHAPE)
    first, again, other = (draw_from(folder_store("run"), 20, seed) for seed in (1, 1, 2))
    assert first == again
    assert first.rows != other.rows
    assert first.statuses[Status.OK] == 20
    assert first.total == 240
    assert Counter(row["status"] for row in first.rows) == first.statuses


def test_rows_are_the_shards_own_and_none_comes_twice(folder_store: NewStore) -> None:
    write_run(folder_store("run"), SHAPE)
    sample = draw_from(folder_store("run"), 1000, 0)
    drawn = Counter((row["URL"], row["top_caption"]) for row in sample.rows)
    there = Counter(
        (row["URL"], row.get("top_caption")) for batch in SHAPE.batches() for row in random_rows(SHAPE, batch)
    )
    assert drawn == there


def test_every_row_is_as_likely_as_any_other(folder_store: NewStore) -> None:
    """Twenty of 240 rows, 150 times: each part's share is near a half."""
    write_run(folder_store("run"), SHAPE)
    parts = Counter(
        row["URL"].split("-")[1]
        for seed in range(150)
        for row in draw_from(folder_store("run"), 20, seed).rows
    )
    share = parts["00000"] / parts.total()
    assert set(parts) == {"00000", "00001"}
    assert 0.45 < share < 0.55


def test_a_run_where_all_failed_gives_an_empty_page(folder_store: NewStore) -> None:
    store = folder_store("run")
    write_manifest(store, SHAPE)
    for batch in SHAPE.batches():
        rows = [failed({"URL": "u", "TEXT": "t"}, Status.TIMEOUT) for _ in range(batch.rows)]
        write_shard(store, SHAPE, batch, rows)
    sample = draw_from(store, 10, 0)
    assert sample.statuses == {Status.TIMEOUT: 240}

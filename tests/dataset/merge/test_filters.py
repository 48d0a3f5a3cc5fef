"""What a merge leaves out on request: by columns, by host, by chance, and repeats of several kinds."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from dataset.files.merged import Merged
from dataset.merge.flow import Options
from dataset.merge.outcomes import Filters
from dataset.merge.thinning import Dedupe, Thinning
from tests.dataset.conftest import NewStore
from tests.dataset.merge.runs import make_run, merge_runs, names_of, row


def merged(new_store: NewStore, rows: list[dict[str, Any]], **options: Any) -> tuple[list[str], Merged]:
    store = new_store("run")
    if not store.exists("run.json"):
        make_run(store, rows)
    out = new_store(f"out-{sum(1 for _ in new_store('.').list('.'))}")
    done = merge_runs([store], out, Options(**options))
    return names_of(out, done), done


def numbered(count: int, **columns: Sequence[Any]) -> list[dict[str, Any]]:
    return [{**row(f"{n}"), **{name: values[n] for name, values in columns.items()}} for n in range(count)]


@pytest.mark.parametrize(
    ("filters", "column", "values", "left"),
    [
        (Filters(max_punsafe=0.5), "punsafe", [0.5, 0.51, None], (["0", "2"], "high_punsafe")),
        (Filters(max_pwatermark=0.8), "pwatermark", [0.9, 0.8, None], (["1", "2"], "high_pwatermark")),
        (Filters(min_width=100), "WIDTH", [99, 100, None], (["1", "2"], "small_width")),
        (Filters(min_height=100), "HEIGHT", [100, 0, None], (["0", "2"], "small_height")),
    ],
)
def test_bounds_of_columns(
    folder_store: NewStore, filters: Filters, column: str, values: list[Any], left: tuple[list[str], str]
) -> None:
    kept, name = left
    names, done = merged(folder_store, numbered(3, **{column: values}), filters=filters)
    assert names == kept
    assert done.counts.filtered == {name: 1}


def test_a_row_that_passes_stands_in_for_its_repeat_that_does_not(folder_store: NewStore) -> None:
    rows = [{**row("a", seed=n), "all_similarities": [score]} for n, score in enumerate((0.1, 0.9, 0.8))]
    names, done = merged(folder_store, rows, filters=Filters(0.2))
    assert names == ["a"]
    assert (done.counts.filtered, done.counts.duplicates) == ({"low_similarity": 1}, 1)


def test_one_row_for_each_address(folder_store: NewStore) -> None:
    rows = [row("a"), row("a", text="other"), row("b"), {**row("b"), "URL": "http://images.example/%62.jpg"}]
    names, done = merged(folder_store, rows, thinning=Thinning(Dedupe.URL))
    assert names == ["a", "b"]
    assert done.counts.duplicates == 2


def test_one_row_for_each_image(folder_store: NewStore) -> None:
    images = ["ab" * 32, "cd" * 32, "ab" * 32, None, None, "ab" * 32]
    names, done = merged(folder_store, numbered(6, sha256=images), thinning=Thinning(Dedupe.IMAGE))
    assert names == ["0", "1", "3", "4"]
    assert done.counts.duplicates == 2


def test_so_many_rows_for_each_host(folder_store: NewStore) -> None:
    hosts = ["a.example", "A.example:443", "b.example", "cdn.a.example"]
    urls = [f"https://{hosts[n % 4]}/{n}.jpg" for n in range(40)]
    names, done = merged(folder_store, numbered(40, URL=urls), thinning=Thinning(max_rows_per_host=3))
    assert Counter(int(name) % 4 % 3 or int(name) % 4 for name in names).total() == 9
    assert Counter({0: 0, 1: 0, 2: 2, 3: 3}[int(name) % 4] for name in names) == {0: 3, 2: 3, 3: 3}
    assert done.counts.filtered == {"many_of_host": 31}
    assert names == sorted(names, key=int)
    other, _ = merged(folder_store, [], thinning=Thinning(max_rows_per_host=3, seed=1))
    assert other != names


def test_a_sample_is_drawn_by_its_seed(folder_store: NewStore, monkeypatch: pytest.MonkeyPatch) -> None:
    first, done = merged(folder_store, numbered(200), thinning=Thinning(sample=50))
    assert (len(first), done.counts.filtered) == (50, {"not_sampled": 150})
    other, _ = merged(folder_store, [], thinning=Thinning(sample=50, seed=1))
    assert len(set(first) & set(other)) < 30
    larger, _ = merged(folder_store, [], thinning=Thinning(sample=60))
    assert set(first) < set(larger)
    monkeypatch.setattr("dataset.merge.spill.ROWS_IN_MEMORY", 16)
    again, _ = merged(folder_store, [], thinning=Thinning(sample=50))
    assert again == first
    everything, _ = merged(folder_store, [], thinning=Thinning(sample=1000))
    assert len(everything) == 200


def test_all_of_them_together_leave_every_row_in_one_place(folder_store: NewStore) -> None:
    rows = numbered(
        60, sha256=[f"{n // 2:064x}"[::-1] for n in range(60)], punsafe=[n / 60 for n in range(60)]
    )
    thinning = Thinning(Dedupe.IMAGE, max_rows_per_host=20, sample=10)
    names, done = merged(folder_store, rows, filters=Filters(max_punsafe=0.8), thinning=thinning)
    assert len(names) == 10
    assert done.counts.rows_in == 60
    assert done.counts.filtered["not_sampled"] == 10


def test_files_are_as_large_as_asked_where_most_rows_fail(folder_store: NewStore) -> None:
    from tests.dataset.synthetic import RunShape, write_run  # noqa: PLC0415

    write_run(folder_store("run"), RunShape(parts=1, part_rows=8000, batch_rows=2000, failing=0.7))
    asked = 150_000
    merge_runs([folder_store("run")], folder_store("out"), Options(part_size=asked))
    sizes = [entry.size for entry in folder_store("out").list("data")]
    assert len(sizes) > 2
    assert all(asked * 0.5 < size < asked * 1.2 for size in sizes)

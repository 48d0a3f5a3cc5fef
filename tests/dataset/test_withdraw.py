"""Rows that are taken back: exactly those, in as few files as can be, and killed at any point."""

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

from common.console.cli import load_settings
from common.deny.deny_list import DenyList, parse_deny_list
from common.errors import FleetError
from common.store import Store
from dataset.figures.histogram import histograms
from dataset.files.data_file import read_tally
from dataset.files.folder import read_merged
from dataset.files.merged import Merged
from dataset.merge.flow import Options
from dataset.withdraw.withdraw import Withdrawn, withdraw
from tests.dataset.command import error_line, run_dataset, run_from_nothing, start_dataset
from tests.dataset.conftest import NewStore
from tests.dataset.contents import contents
from tests.dataset.merge.runs import make_run, merge_runs, names_of, row, table_of
from tests.dataset.synthetic import RunShape, write_run

SMALL = Options(part_size=10_000)


def a_data_set(store: Store, options: Options = SMALL, rows: int = 300) -> Merged:
    """Of rows that are named 0, 1, 2 ..., in several files, merged into their run's own place."""
    return merge_runs([make_run(store, [row(f"{n}") for n in range(rows)])], store, options)


def deny(*names: object) -> DenyList:
    return parse_deny_list([f"http://images.example/{name}.jpg" for name in names], "list")


def take_back(store: Store, deny_list: DenyList, output: Store | None = None) -> Withdrawn:
    return withdraw(store, deny_list, output, load_settings().s3)


def bodies(store: Store) -> dict[str, bytes]:
    return {entry.key: store.read(entry.key) or b"" for entry in store.list("data")}


def test_exactly_the_named_rows_go_and_other_files_stay_as_they_are(new_store: NewStore) -> None:
    store = new_store("run")
    before = a_data_set(store)
    old = bodies(store)
    done = take_back(store, deny(0, 5, 299, "nowhere"))
    after = read_merged(store)
    assert after == done.merged
    assert names_of(store, after) == [f"{n}" for n in range(300) if n not in {0, 5, 299}]
    assert (done.rows, done.files) == (3, 2)
    assert set(bodies(store)) == set(after.keys)
    assert after.keys[1:-1] == before.keys[1:-1]
    assert all(bodies(store)[key] == old[key] for key in before.keys[1:-1])
    assert after.keys[0] == before.keys[0].replace(".parquet", "-v2.parquet")
    assert not store.exists("merge.next.json")


def test_counts_histograms_and_card_follow_and_no_address_is_written(folder_store: NewStore) -> None:
    store = folder_store("run")
    before = a_data_set(store)
    take_back(store, deny("secret", 7, 8))
    after = take_back(store, deny(9)).merged
    assert after.counts.rows_out == 297
    assert after.counts.withdrawn == 3
    assert after.counts.rows_in == before.counts.rows_in
    assert [one.rows for one in after.withdrawals] == [2, 1]
    card = (store.read("README.md") or b"").decode()
    assert "**297 rows.**" in card
    assert f"| {after.withdrawals[0].on} | 2 |" in card
    tally = read_tally(store, after.files, load_settings().s3)
    assert sum(tally.characters.values()) == 297
    assert all("\n".join(histogram.lines()) in card for histogram in histograms(tally))
    written = b"".join(
        (store.read(entry.key) or b"") for entry in store.list("") if "shards" not in entry.key
    )
    assert b"secret" not in written
    assert b"images.example/7.jpg" not in written


def test_a_file_that_loses_every_row_goes_and_a_data_set_does_not(folder_store: NewStore) -> None:
    store = folder_store("run")
    before = a_data_set(store)
    first = before.files[0].rows
    after = take_back(store, deny(*range(first))).merged
    assert after.keys == before.keys[1:]
    with pytest.raises(FleetError, match="no row would be left"):
        take_back(store, parse_deny_list(["images.example"], "list"))
    assert read_merged(store) == after


def test_elsewhere_it_leaves_a_whole_folder_and_the_old_one_as_it_was(new_store: NewStore) -> None:
    store, out = new_store("run"), new_store("out")
    a_data_set(store)
    old = {entry.key: store.read(entry.key) for entry in store.list("")}
    after = take_back(store, deny(0, 1), out).merged
    assert {entry.key: store.read(entry.key) for entry in store.list("")} == old
    assert names_of(out, after) == [f"{n}" for n in range(2, 300)]
    assert {entry.key for entry in out.list("")} == {"README.md", "merge.json", *after.keys}
    assert after.retired == ()
    assert all(out.read(key) == old[key] for key in after.keys[1:])
    assert "**298 rows.**" in (out.read("README.md") or b"").decode()
    assert take_back(store, deny(0, 1), out).merged == after
    with pytest.raises(FleetError, match="holds another data set"):
        take_back(store, deny(2), out)


def test_nothing_named_changes_nothing(folder_store: NewStore) -> None:
    store = folder_store("run")
    before = a_data_set(store)
    old = {entry.key: store.read(entry.key) for entry in store.list("")}
    done = take_back(store, deny("nowhere"))
    assert (done.merged, done.rows) == (before, 0)
    assert {entry.key: store.read(entry.key) for entry in store.list("")} == old


def test_every_kind_of_entry_is_applied_or_refused(folder_store: NewStore) -> None:
    store = folder_store("run")
    rows = [{**row(f"{n}"), "URL": f"https://h{n % 3}.example/p{n % 2}/{n}.jpg"} for n in range(60)]
    rows[7]["sha256"] = "ab" * 32
    make_run(store, rows)
    merge_runs([store], folder_store("bare"))
    with pytest.raises(FleetError, match="line 2: a SHA-256, and the data set has no such column"):
        take_back(folder_store("bare"), parse_deny_list(["h0.example", "AB" * 32], "list"))
    options = Options(keep_columns=True)
    merge_runs([store], folder_store("out"), options)
    entries = ["H0.example.", "*://h1.example/p1/*", "AB" * 32, "http://h2.example:80/p0/%32.jpg"]
    after = take_back(folder_store("out"), parse_deny_list(entries, "list")).merged
    left = {n for n in range(60) if n % 3 and not (n % 3 == 1 and n % 2) and n not in {7, 2}}
    assert {int(name) for name in names_of(folder_store("out"), after)} == left


def test_an_edited_card_keeps_its_words_and_tells_the_new_account(folder_store: NewStore) -> None:
    store = folder_store("run")
    a_data_set(store)
    card = (store.read("README.md") or b"").decode()
    store.replace("README.md", card.replace("## Known limits", "Our own words.\n\n## Known limits").encode())
    take_back(store, deny(1))
    followed = (store.read("README.md") or b"").decode()
    assert "Our own words." in followed
    assert "**299 rows.**" in followed
    assert "**300 rows.**" not in followed
    store.replace("README.md", b"nothing of ours")
    take_back(store, deny(2))
    assert store.read("README.md") == b"nothing of ours"


def test_withdrawn_rows_do_not_come_back_with_a_later_merge(folder_store: NewStore) -> None:
    first, out = make_run(folder_store("first"), [row(f"{n}") for n in range(50)]), folder_store("out")
    merge_runs([first], out)
    take_back(out, deny(3, 4))
    again = [row("3", seed=1), row("3", text="another text"), row("new"), row("5", seed=1)]
    second = make_run(folder_store("second"), again, seed=1)
    after = merge_runs([first, second], out)
    assert set(names_of(out, after)) == {f"{n}" for n in range(50) if n not in {3, 4}} | {"new"}
    assert after.counts.withdrawn >= 2
    assert after.counts.rows_in == 54
    assert len(after.withdrawals) == 1


def test_another_change_waits_for_one_that_was_begun(folder_store: NewStore) -> None:
    store = folder_store("run")
    before = a_data_set(store)
    version = before.model_copy(update={"version": 2})
    store.create("merge.next.json", version.to_json())
    with pytest.raises(FleetError, match="another change of this data set is unfinished"):
        take_back(store, deny(1))
    finished = run_dataset("publish", "--output", store.uri, "--repo", "a/b", "--dry-run")
    assert "a change of this data set is unfinished" in error_line(finished)


def test_the_command_says_what_it_did(folder_store: NewStore, tmp_path: Path) -> None:
    store = folder_store("run")
    a_data_set(store)
    list_ = tmp_path / "list.txt"
    list_.write_text("# requests of May\nhttps://images.example/1.jpg\nnowhere.example\n")
    finished = run_from_nothing("withdraw", "--data", store.uri, "--list", str(list_))
    assert finished.returncode == 0
    assert finished.stdout.splitlines() == [
        "1 rows withdrawn; 1 files changed, 7 there",
        "list: 1 of 2 entries matched no row",
    ]
    list_.write_text("fine.example\nword\n")
    finished = run_dataset("withdraw", "--data", store.uri, "--list", str(list_))
    assert (finished.returncode, f"{list_}, line 2: " in error_line(finished)) == (2, True)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_killed_at_any_point_and_started_again_it_comes_to_the_same_end(
    folder_store: NewStore, tmp_path: Path, elsewhere: bool
) -> None:
    write_run(folder_store("run"), RunShape())
    list_ = tmp_path / "list.txt"
    urls = table_of(folder_store("run"), merge_runs([folder_store("run")], folder_store("run")))[
        "URL"
    ].to_pylist()
    list_.write_text("\n".join(random.Random(0).sample(urls, 40)))
    for name in ("whole", "killed"):
        merge_runs([folder_store("run")], folder_store(name))

    def command(name: str) -> list[str]:
        place = ["--output", f"{tmp_path}/{name}-out"] if elsewhere else []
        return ["withdraw", "--data", f"{tmp_path}/{name}", "--list", str(list_), *place]

    started = time.monotonic()
    assert run_dataset(*command("whole")).returncode == 0
    took = time.monotonic() - started
    draw = random.Random(1)
    for _ in range(6):
        killed = start_dataset(*command("killed"))
        time.sleep(draw.uniform(0, took))
        killed.kill()
        killed.wait()
    assert run_dataset(*command("killed")).returncode == 0
    suffix = "-out" if elsewhere else ""
    assert _contents(tmp_path / f"killed{suffix}") == _contents(tmp_path / f"whole{suffix}")


def _contents(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = dict(contents(folder))
    return found | {"merge.json": json.loads(found["merge.json"])}

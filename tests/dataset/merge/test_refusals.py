"""An opt-out and a list's hit concern every row of an address, in every run and in any order."""

import pytest

from common.deny.deny_list import parse_deny_list
from common.run.status import Status
from dataset.merge.flow import Options
from dataset.merge.outcomes import Filters
from tests.dataset.conftest import NewStore
from tests.dataset.merge.runs import make_run, merge_runs, names_of, row


def test_an_opt_out_takes_out_every_row_of_its_address(folder_store: NewStore) -> None:
    rows = [row("a"), row("a", text="other"), row("a", Status.OPT_OUT, "third"), row("b")]
    merged = merge_runs([make_run(folder_store("run"), rows)], folder_store("out"))
    assert names_of(folder_store("out"), merged) == ["b"]
    assert merged.counts.failures == {"opt_out": 1}
    assert merged.counts.filtered == {"opted_out": 2}


@pytest.mark.parametrize("first", [True, False])
def test_it_does_so_in_all_runs_whenever_it_was_met(folder_store: NewStore, first: bool) -> None:
    refused = [row("a", Status.OPT_OUT), row("c")]
    good = [row("a", text="other"), row("a")]
    runs = [refused, good] if first else [good, refused]
    stores = [make_run(folder_store(f"run-{n}"), rows, seed=n) for n, rows in enumerate(runs)]
    merged = merge_runs(stores, folder_store("out"))
    assert names_of(folder_store("out"), merged) == ["c"]
    assert merged.counts.rows_in == 4


@pytest.mark.parametrize(
    "spelling", ["http://images.example/a.jpg", "HTTPS://Images.Example:443/x/../%61.jpg#top"]
)
def test_other_spellings_of_the_address_are_the_same_address(folder_store: NewStore, spelling: str) -> None:
    rows = [row("a"), {**row("a", Status.OPT_OUT), "URL": spelling}, row("b")]
    merged = merge_runs([make_run(folder_store("run"), rows)], folder_store("out"))
    assert names_of(folder_store("out"), merged) == ["b"]


def test_a_hit_of_a_runs_list_takes_out_the_address_and_the_image(folder_store: NewStore) -> None:
    bad, fine = "ab" * 32, "cd" * 32
    hit = {**row("a", Status.FILTERED), "error": "block list", "sha256": bad}
    first = [hit, row("a", text="other"), {**row("copy"), "sha256": bad}, {**row("b"), "sha256": fine}]
    second = [{**row("copy", text="later"), "sha256": fine}, {**row("c"), "sha256": bad}]
    stores = [make_run(folder_store("first"), first), make_run(folder_store("second"), second, seed=1)]
    merged = merge_runs(stores, folder_store("out"))
    assert names_of(folder_store("out"), merged) == ["b"]
    assert merged.counts.filtered == {"filtered": 1, "denied": 4}


def test_a_threshold_of_a_run_concerns_its_row_alone(folder_store: NewStore) -> None:
    rows = [{**row("a", Status.FILTERED), "error": "punsafe 0.9 > 0.5"}, row("a", text="other")]
    merged = merge_runs([make_run(folder_store("run"), rows)], folder_store("out"))
    assert names_of(folder_store("out"), merged) == ["a"]


def test_a_denied_image_takes_out_its_address(folder_store: NewStore) -> None:
    rows = [{**row("a"), "sha256": "ab" * 32}, row("a", text="changed since"), row("b")]
    filters = Filters(deny_list=parse_deny_list(["AB" * 32, "nowhere.example"], "list"))
    options = Options(filters=filters)
    merged = merge_runs([make_run(folder_store("run"), rows)], folder_store("out"), options)
    assert names_of(folder_store("out"), merged) == ["b"]
    assert merged.unmatched_entries == 1

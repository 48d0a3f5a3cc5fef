"""Rows of images that were never on the web: the image itself tells them apart."""

import random
from typing import Any

import pytest

from common.errors import FleetError
from common.run.status import Status
from dataset.merge.flow import Options
from tests.dataset.conftest import NewStore
from tests.dataset.merge.runs import make_run, merge_runs, row, table_of
from tests.dataset.synthetic import captioned, failed


def image(name: str, digest: str, status: Status = Status.OK) -> dict[str, Any]:
    """A row of an image that has no address."""
    bare = {"URL": name, "TEXT": None}
    made = captioned(bare, random.Random(name)) if status is Status.OK else failed(bare, status)
    return {**made, "URL": None, "sha256": digest}


def test_each_image_is_a_row_and_the_same_one_twice_is_one(new_store: NewStore) -> None:
    images = [image(str(number), f"{number:064x}") for number in range(40)]
    run = make_run(new_store("a"), [*images, images[7], row("a")])
    merged = merge_runs([run], new_store("b"))
    assert (merged.counts.rows_out, merged.counts.duplicates) == (41, 1)


def test_an_opt_out_without_url_takes_out_its_image_alone(new_store: NewStore) -> None:
    images = [image(str(number), f"{number:064x}") for number in range(10)]
    refused = image("refused", f"{3:064x}", Status.OPT_OUT)
    merged = merge_runs([make_run(new_store("a"), [*images, refused])], new_store("b"))
    assert merged.counts.rows_out == 9


def test_rows_without_image_take_out_nobody(new_store: NewStore) -> None:
    lost = {**image("lost", "", Status.OPT_OUT), "sha256": None}
    images = [image(str(number), f"{number:064x}") for number in range(5)]
    assert merge_runs([make_run(new_store("a"), [lost, *images])], new_store("b")).counts.rows_out == 5


def test_a_later_run_adds_to_them_where_the_images_are_kept(new_store: NewStore) -> None:
    first = make_run(new_store("a"), [image(str(number), f"{number:064x}") for number in range(5)])
    second = make_run(
        new_store("b"), [image(str(number), f"{number:064x}") for number in range(3, 9)], seed=1
    )
    whole, output = new_store("c"), new_store("d")
    options = Options(part_size=20_000, keep_columns=True)
    merge_runs([first], output, options)
    added = merge_runs([first, second], output, options)
    together = merge_runs([first, second], whole, options)
    assert sorted(table_of(output, added)["sha256"].to_pylist()) == sorted(
        table_of(whole, together)["sha256"].to_pylist()
    )
    assert added.counts.rows_out == 9


def test_without_their_images_a_later_run_is_refused(new_store: NewStore) -> None:
    first = make_run(new_store("a"), [image(str(number), f"{number:064x}") for number in range(5)])
    second = make_run(new_store("b"), [image("x", f"{99:064x}")], seed=1)
    output = new_store("c")
    merge_runs([first], output)
    with pytest.raises(FleetError, match="--keep-columns"):
        merge_runs([first, second], output)

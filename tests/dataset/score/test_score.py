"""The figures of captions: by hand on a few, and over a whole run and what is published."""

import csv
import json
import sys
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

import pytest

from common.errors import FleetError
from dataset.score.cider import cider
from dataset.score.estimate import estimate_mean, estimate_share
from dataset.score.judges import best_of, rank_agreement, same_winner, top_similarities
from dataset.score.references import compare
from dataset.score.words import growth, near_identical, split_words, types_per_block
from tests.dataset.browser import browser, needs_chromium
from tests.dataset.command import error_line, run_dataset, run_from_nothing
from tests.dataset.conftest import NewStore
from tests.dataset.merge.runs import make_run, merge_runs, row
from tests.dataset.synthetic import RunShape, write_run


def judged(**changes: Any) -> dict[str, Any]:
    one: dict[str, Any] = {
        "top_caption": "b",
        "all_captions": ["a", "b", "c"],
        "all_similarities": [0.3, 0.2, 0.1],
        "shortlist": ["b", "a", "c"],
        "shortlist_similarities": [0.5, 0.4, 0.1],
    }
    return {**one, **changes}


def test_words_by_hand() -> None:
    assert split_words("A dog's Ball, on the-grass!") == ["a", "dog's", "ball", "on", "the", "grass"]
    captions = list(map(split_words, ("a red car", "the car, red", "a blue car", "red cars")))
    assert near_identical(captions).value == 0.5
    assert growth(captions)[-1] == (4, 6)
    assert types_per_block(captions) is None
    blocks = types_per_block([["a", "b", f"{n % 10}"] for n in range(2_500)])
    assert blocks is not None
    assert (blocks[0].value, blocks[1].value, blocks[0].count) == (12, 10, 2)


def test_estimates_by_hand() -> None:
    found = estimate_mean([1, 2, 3, 4])
    reach = 3.182446305284263 * sqrt(5 / 3) / 2
    assert found.value == 2.5
    assert found.low == pytest.approx(2.5 - reach)
    assert estimate_mean([3]).low is None
    share = estimate_share([True] * 8 + [False] * 2)  # Wilson's interval of 8 in 10
    assert share.low == pytest.approx(0.4902, abs=1e-4)
    assert share.high == pytest.approx(0.9433, abs=1e-4)
    assert estimate_share([True] * 5).high == pytest.approx(1.0)


def test_judges_by_hand() -> None:
    rows = [judged(), judged(top_caption="a"), judged(all_captions=None, all_similarities=None)]
    assert top_similarities(rows) == [0.2, 0.3]
    winner, tau = same_winner(rows), rank_agreement(rows[:1])
    assert winner is not None
    assert (winner.value, winner.count) == (0.5, 2)
    assert tau is not None
    assert tau.value == pytest.approx((2 - 1) / 3)  # of three pairs one is the other way round
    assert [value for _, value in best_of(rows[:1])] == pytest.approx([0.2, (0.3 + 0.3 + 0.2) / 3, 0.3])
    assert [number for number, _ in best_of(rows[:1])] == [1, 2, 3]
    assert best_of([]) == []
    odd = judged(all_similarities=[float("nan"), None, 0.1])
    assert best_of([odd]) == [(1, 0.1)]


def test_cider_by_hand() -> None:
    """Two images. "red" is only of the first, "a" and "car" of both, so that they weigh nothing."""
    references = [[["a", "red", "car"]], [["a", "blue", "car"]]]
    same, other = cider([["a", "red", "car"], ["a", "red", "car"]], references)
    # 1-grams, 2-grams and 3-grams are alike, and there are no 4-grams
    assert same == pytest.approx(10 * 3 / 4)
    assert other == 0
    (longer, _) = cider([["a", "red", "red", "car"], ["x"]], references)
    weight = log(2)
    # 1-grams: red twice, clipped to once; 2-grams: "a red", "red red", "red car"; 3-grams: none
    one = min(2 * weight, weight) * weight / (2 * weight * weight)
    two = 2 * weight**2 / (sqrt(3) * weight * sqrt(2) * weight)
    assert longer == pytest.approx(10 * exp(-1 / 72) * (one + two) / 4)


def test_a_run_and_a_data_set_are_scored(new_store: NewStore, tmp_path: Path) -> None:
    write_run(new_store("run"), RunShape(parts=1, part_rows=1500, batch_rows=500, failing=0.1))
    merge_runs([new_store("run")], new_store("out"))
    page = tmp_path / "score.html"
    options = ("--rows", "1200", "--json", "--html", str(page))
    finished = run_dataset("score", "--run", new_store("run").uri, *options)
    found = json.loads(finished.stdout)
    assert (found["sampled"], found["total"]) == (1200, 1500)
    assert {"words", "word_types", "trigram_types", "same_winner", "rank_agreement"} <= set(found["figures"])
    for figure in found["figures"].values():
        assert figure["low"] is None or figure["low"] <= figure["value"] <= figure["high"]
    curve = [value for _, value in found["best_of"]]
    assert curve == sorted(curve)
    assert page.read_text().count("<svg") == 2
    published = json.loads(run_dataset("score", "--data", new_store("out").uri, "--json").stdout)
    assert published["sampled"] == published["total"]
    assert "rank_agreement" not in published["figures"]
    for one in (found, published):  # the synthetic rows' are uniform from 0.2 to 0.4
        assert one["figures"]["original_similarity"]["value"] == pytest.approx(0.3, abs=0.01)
    again = run_dataset("score", "--run", new_store("run").uri, "--rows", "1200", "--json")
    assert json.loads(again.stdout) == found


def test_references_by_address_whatever_their_spelling(folder_store: NewStore, tmp_path: Path) -> None:
    rows = [{**row(f"{n}"), "top_caption": f"a photo of the number {n} on a wall"} for n in range(20)]
    make_run(folder_store("run"), rows)
    file = tmp_path / "human.csv"
    with file.open("w", newline="") as target:
        pairs = [
            (f"HTTP://Images.example:80/{n}.jpg", f"A photo of the number {n} on a wall.") for n in range(10)
        ]
        csv.writer(target).writerows([("image", "caption"), *pairs])
    place = ("--run", folder_store("run").uri)
    found = json.loads(run_from_nothing("score", *place, "--references", str(file), "--json").stdout)
    assert found["references"]["images"] == 10
    assert found["references"]["bleu"] > 60
    assert found["references"]["cider"]["value"] > 8
    file.write_text("image,caption\nhttp://nowhere.example/,x\n")
    assert "no address" in error_line(run_dataset("score", *place, "--references", str(file)))


def test_without_sacrebleu_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics.bleu", None)
    (tmp_path / "human.csv").write_text("image,caption\nhttps://images.example/a.jpg,x\n")
    with pytest.raises(FleetError, match="needs sacrebleu"):
        compare([row("a")], tmp_path / "human.csv")


def test_nothing_to_score_is_one_line(folder_store: NewStore) -> None:
    write_run(folder_store("run"), RunShape(parts=1, part_rows=50, failing=1.0))
    finished = run_dataset("score", "--run", folder_store("run").uri)
    assert (finished.returncode, "no captions to score" in error_line(finished)) == (2, True)


@needs_chromium
def test_the_page_in_a_browser(folder_store: NewStore, tmp_path: Path) -> None:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped] # noqa: PLC0415

    hostile = "<script>window.pwned = 1</script> \"'&"
    rows = [{**row(f"{n}"), "top_caption": f"{hostile} {n}"} for n in range(60)]
    make_run(folder_store("<b>run"), rows)
    page = tmp_path / "score.html"
    assert run_dataset("score", "--run", folder_store("<b>run").uri, "--html", str(page)).returncode == 0
    with browser(1280, 800) as context:
        tab = context.new_page()
        complaints: list[str] = []
        tab.on("console", lambda message: complaints.append(message.text))
        for width, height in ((1280, 800), (390, 844)):
            tab.set_viewport_size({"width": width, "height": height})
            tab.goto(page.as_uri())
            assert tab.evaluate("window.pwned") is None
            assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            assert tab.locator("svg").count() == 2
            assert not complaints
            assert not Axe().run(tab).response["violations"]

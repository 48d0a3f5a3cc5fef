"""The card says what the merge did, and the Hub can read its header."""

import json
import random
from collections import Counter
from dataclasses import replace
from typing import Any

from huggingface_hub import DatasetCard

from common.console.cli import load_settings
from common.deny.deny_list import parse_deny_list
from common.run.schema import PUBLISHED
from common.run.status import Status
from common.signs import NAMES, Honoured
from common.store import Store
from dataset.card.card import render_card
from dataset.card.card_file import CardTexts
from dataset.figures.histogram import Histogram, histograms
from dataset.figures.tally import Tally
from dataset.files.merged import Merged
from dataset.merge.flow import Options, merge
from dataset.merge.outcomes import Filters
from dataset.stats import read_stats
from tests.dataset.command import error_line, run_dataset, run_from_nothing
from tests.dataset.conftest import NewStore
from tests.dataset.merge.runs import make_run, merge_runs, row
from tests.dataset.synthetic import RunShape, random_rows, write_run

SHAPE = RunShape()


def merged(store: Store, options: Options | None = None) -> Merged:
    write_run(store, SHAPE)
    return merge([store.uri], store.uri, options or Options(part_size=40_000), load_settings().s3)


def card(store: Store) -> str:
    return (store.read("README.md") or b"").decode()


def header(text: str) -> dict[str, Any]:
    """The YAML header as the Hub's own library reads it."""
    return dict(vars(DatasetCard(text).data))


def table(text: str, heading: str) -> list[list[str]]:
    """The cells of the Markdown table whose header starts with `heading`."""
    lines = text[text.index(f"| {heading} |") :].splitlines()
    body = lines[2 : next(number for number, line in enumerate(lines) if not line.startswith("|"))]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in body]


def test_the_header_is_yaml_that_finds_the_files(new_store: NewStore) -> None:
    merged(new_store("run"))
    said = header(card(new_store("run")))
    assert said["configs"] == [
        {"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]}
    ]
    assert said["size_categories"] == ["n<1K"]
    assert said["license"] == "other"


def test_counts_models_and_failures_are_the_runs_own(folder_store: NewStore) -> None:
    done = merged(folder_store("run"))
    text = card(folder_store("run"))
    statuses = Counter(row["status"] for batch in SHAPE.batches() for row in random_rows(SHAPE, batch))
    del statuses[Status.OK]
    assert done.counts.sentence() in text
    assert {row[0]: int(row[1]) for row in table(text, "failure")} == statuses
    assert {row[0]: row[1] for row in table(text, "setting")}["top_p"] == "0.2427"
    assert table(text, "step")[0][1:] == ["toy/captioner", "1", "bfloat16"]
    assert [row[0] for row in table(text, "column")] == PUBLISHED.names
    opted_out = statuses[Status.OPT_OUT] + done.counts.filtered["opted_out"]
    assert f"{opted_out} rows were not used" in text


def test_it_says_which_signs_were_honoured_and_which_refused(folder_store: NewStore) -> None:
    errors = [
        "robots.txt: Disallow: /",
        "robots.txt: Disallow: /c",
        "redirect: x-robots-tag: noai",
        "a new one",
    ]
    rows = [row("a"), *({**row(f"{n}", Status.OPT_OUT), "error": error} for n, error in enumerate(errors))]
    done = merge_runs([make_run(folder_store("run"), rows)], folder_store("out"))
    assert done.counts.signs == {"robots.txt": 2, "x-robots-tag:noai": 1, "other": 1}
    assert done.counts.failures == {"opt_out": 4}
    assert table(card(folder_store("out")), "sign that refused") == [
        ["robots.txt", "2"], ["other", "1"], ["x-robots-tag:noai", "1"],
    ]  # fmt: skip
    assert read_stats(folder_store("out").uri, load_settings().s3).signs == done.counts.signs
    for signs, said in [
        (None, "Which signs were honoured is not recorded."),
        ((), "No sign was honoured."),
        (Honoured(["all", "-http 402"]).names, "not honoured: `http 402`."),
        (NAMES, "Honoured were all signs that Caption Fleet knows: `robots.txt`, "),
    ]:
        text = render_card(done.model_copy(update={"signs": signs}), Tally(), CardTexts())
        assert said in text


def test_the_record_has_the_signs_of_the_runs(folder_store: NewStore) -> None:
    signs = Honoured(["all", "-plus"]).names
    shape = replace(SHAPE, signs=signs)
    write_run(folder_store("run"), shape)
    done = merge([folder_store("run").uri], folder_store("run").uri, Options(), load_settings().s3)
    assert done.signs == signs
    assert json.loads(folder_store("run").read("merge.json") or b"")["signs"] == list(signs)


def test_histograms_count_every_row(folder_store: NewStore) -> None:
    done = merged(folder_store("run"))
    finished = run_dataset("stats", "--output", folder_store("run").uri, "--json")
    said = json.loads(finished.stdout)
    assert said["rows"] == done.counts.rows_out
    assert all(sum(bins.values()) == done.counts.rows_out for bins in said["histograms"].values())
    for histogram in histograms(Tally.model_validate(said["histograms"])):
        assert "\n".join(histogram.lines()) in card(folder_store("run"))


def test_filters_and_missing_batches_are_told(folder_store: NewStore) -> None:
    filters = Filters(0.34, parse_deny_list(["nowhere.example"], "list"))
    done = merged(folder_store("run"), Options(filters=filters, keep_columns=True))
    text = card(folder_store("run"))
    assert {row[0]: int(row[1]) for row in table(text, "filter")} == done.counts.filtered
    assert done.counts.filtered["low_similarity"] > 0
    assert "similarity under 0.34 were left out" in text
    assert "deny-list" in text
    assert table(text, "column")[-1][0] == "sha256"


def test_a_card_that_somebody_edited_is_left_alone(folder_store: NewStore) -> None:
    folder_store("run").create("README.md", b"our own words")
    merged(folder_store("run"))
    assert card(folder_store("run")) == "our own words"
    finished = run_dataset(
        "card", "--output", folder_store("run").uri, "--name", 'Ours: "best"', "--license", "cc-by-4.0"
    )
    assert finished.returncode == 0
    said = header(finished.stdout)
    assert (said["pretty_name"], said["license"]) == ('Ours: "best"', "cc-by-4.0")


def test_stats_of_a_run_that_is_not_merged(new_store: NewStore) -> None:
    write_run(new_store("run"), SHAPE)
    finished = run_from_nothing("stats", "--output", new_store("run").uri)
    rows = [row for batch in SHAPE.batches() for row in random_rows(SHAPE, batch)]
    good = sum(row["status"] == Status.OK for row in rows)
    assert finished.stdout.startswith(
        f"{good} of 500 rows have captions; 6 of 6 batches are done; not merged\n"
    )
    assert run_dataset("card", "--output", new_store("run").uri).returncode == 2


def test_neither_a_run_nor_a_data_set(folder_store: NewStore) -> None:
    finished = run_dataset("stats", "--output", folder_store("nothing").uri)
    assert finished.returncode == 2
    assert error_line(finished).startswith(f"error: {folder_store('nothing').uri}: no run here")


def test_bars_are_as_long_as_the_counts_are_large() -> None:
    draw = random.Random(0)
    counts = [draw.randrange(1, 1000) for _ in range(20)]
    lines = list(Histogram("x", tuple((str(n), count) for n, count in enumerate(counts))).lines())
    bars = [line.count("█") for line in lines]
    assert max(bars) == 40
    assert all(abs(bar - 40 * count / max(counts)) <= 0.5 for bar, count in zip(bars, counts, strict=True))


def test_bins_cover_the_odd_values() -> None:
    tally = Tally(
        similarity={-3: 1, 5: 2}, characters={0: 1, 199: 1, 200: 1, 10_000: 1}, candidates={1: 1, 3: 1}
    )
    similarity, characters, candidates = histograms(tally)
    assert similarity.bins == (("-0.04", 1), ("-0.02", 0), ("0.00", 0), ("0.02", 0), ("0.04", 2))
    assert characters.bins[0] == ("0 to 9", 1)
    assert characters.bins[-2:] == (("190 to 199", 1), ("200 or more", 2))
    assert candidates.bins == (("1", 1), ("2", 0), ("3", 1))
    assert all(not histogram.bins for histogram in histograms(Tally()))


def test_the_card_names_what_people_need_to_know(folder_store: NewStore) -> None:
    done = merged(folder_store("run"))
    text = card(folder_store("run"))
    assert done.fetched is not None
    assert f"were fetched from {done.fetched[0]} to {done.fetched[1]}" in text
    assert f"**{done.counts.rows_out} rows.**" in text
    assert f"Workers of Caption Fleet {done.worker_versions[0]} fetched" in text
    assert 'load_dataset("OWNER/NAME", split="train")' in text
    assert header(text)["language"] is None


def test_a_card_written_anew_keeps_its_texts(folder_store: NewStore) -> None:
    merged(folder_store("run"))
    place = ("--output", folder_store("run").uri)
    options = ("--contact", "rows@lab.example", "--license", "ODC-BY", "--language", "en", "--write")
    assert run_from_nothing("card", *place, *options).returncode == 0
    text = card(folder_store("run"))
    assert header(text)["license"] == "odc-by"
    assert header(text)["language"] == ["en"]
    assert "write to rows@lab.example" in text
    assert run_dataset("card", *place, "--name", "Ours", "--write").returncode == 0
    assert "rows@lab.example" in card(folder_store("run"))


def test_a_licence_that_the_hub_does_not_know(folder_store: NewStore) -> None:
    merged(folder_store("run"))
    finished = run_dataset("card", "--output", folder_store("run").uri, "--license", "CC-BY")
    assert finished.returncode == 2
    assert "--license CC-BY: the Hub knows no such licence" in error_line(finished)

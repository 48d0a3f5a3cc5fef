"""The Hub's dataset card, written from the merge's own provenance."""

from dataclasses import dataclass
from typing import Any

import jinja2

from common.run.schema import COLUMNS, LAION_COCO, Status
from common.settings import S3Settings
from common.store import Store
from dataset.histogram import histograms
from dataset.merged import CARD_KEY, Merged, read_tally
from dataset.tally import Tally

SIZES = {
    10**3: "n<1K",
    10**4: "1K<n<10K",
    10**5: "10K<n<100K",
    10**6: "100K<n<1M",
    10**7: "1M<n<10M",
    10**8: "10M<n<100M",
    10**9: "100M<n<1B",
}
"""The Hub's size categories by their upper ends."""


@dataclass(frozen=True)
class CardTexts:
    """What the provenance cannot know."""

    name: str = "Machine captions of web images"
    license: str = "other"


def render_card(merged: Merged, tally: Tally, texts: CardTexts) -> str:
    """The card as Markdown with the Hub's YAML header."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("dataset"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown of our own words, figures and model names; no stranger's text
    )
    environment.filters["grouped"] = lambda number: f"{number:,}"
    return environment.get_template("card.md.jinja").render(**_variables(merged, tally, texts))


def write_card(store: Store, merged: Merged, s3: S3Settings) -> None:
    """Write the card beside the files, unless there is one: a person may have edited it."""
    if not store.exists(CARD_KEY):
        card = render_card(merged, read_tally(store, merged.keys, s3), CardTexts())
        store.create(CARD_KEY, card.encode())


def _variables(merged: Merged, tally: Tally, texts: CardTexts) -> dict[str, Any]:
    counts = merged.counts
    rows_in = max(counts.rows_in, 1)
    failures = sorted(counts.failures.items(), key=lambda item: (-item[1], item[0]))
    return {
        "texts": texts,
        "merged": merged,
        "counts": counts,
        "size_category": next((name for end, name in SIZES.items() if counts.rows_out < end), "n>1B"),
        "columns": COLUMNS if merged.recipe.keep_columns else LAION_COCO,
        "models": merged.models.model_dump(),
        "sampling": merged.sampling.model_dump(mode="json"),
        "meanings": {name: field.description for name, field in type(merged.sampling).model_fields.items()},
        "failures": [(name, n, 100 * n / rows_in, Status(name).meaning) for name, n in failures],
        "opted_out": counts.failures.get(Status.OPT_OUT, 0),
        "histograms": histograms(tally),
    }

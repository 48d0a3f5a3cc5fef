"""The Hub's dataset card, written from the merge's own provenance."""

from typing import Any

from common.run.schema import COLUMNS, LAION_COCO
from common.run.status import Status
from common.settings import S3Settings
from common.signs import NAMES
from common.store import Store
from dataset.card.card_file import CardTexts, follow, sign
from dataset.card.markdown import to_code, to_text, to_yaml
from dataset.figures.counts import FILTER_MEANING
from dataset.figures.histogram import histograms
from dataset.figures.tally import Tally
from dataset.files.data_file import read_tally
from dataset.files.keys import CARD_KEY
from dataset.files.merged import Merged
from dataset.pages.templating import make_environment

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


def render_card(merged: Merged, tally: Tally, texts: CardTexts) -> str:
    """The card as Markdown with the Hub's YAML header."""
    environment = make_environment("dataset.card", autoescape=False, keep_trailing_newline=True)
    environment.filters |= {"grouped": lambda number: f"{number:,}"}
    environment.filters |= {"text": to_text, "code": to_code, "yaml": to_yaml}
    rendered = environment.get_template("card.md.jinja").render(**_variables(merged, tally, texts))
    return sign(rendered, texts)


def update_card(store: Store, merged: Merged, s3: S3Settings) -> None:
    """Let the card in `store` tell of `merged`; a person's own words in it stay as they are."""
    there = store.read(CARD_KEY)
    tally = read_tally(store, merged.files, s3)
    card = follow(there, lambda texts: render_card(merged, tally, texts))
    if card != there:
        store.replace(CARD_KEY, card)


def _variables(merged: Merged, tally: Tally, texts: CardTexts) -> dict[str, Any]:
    counts = merged.counts
    rows_in = max(counts.rows_in, 1)
    failures = sorted(counts.failures.items(), key=lambda item: (-item[1], item[0]))
    return {
        "texts": texts,
        "merged": merged,
        "recipe": merged.recipe,
        "counts": counts,
        "size_category": next((name for end, name in SIZES.items() if counts.rows_out < end), "n>1B"),
        "columns": COLUMNS if merged.recipe.keep_columns else LAION_COCO,
        "models": merged.models.model_dump(),
        "sampling": merged.sampling.model_dump(mode="json"),
        "meanings": {name: field.description for name, field in type(merged.sampling).model_fields.items()},
        "failures": [(name, n, 100 * n / rows_in, Status(name).meaning) for name, n in failures],
        "filtered": [(name, n, FILTER_MEANING[name]) for name, n in counts.filtered.items()],
        "opted_out": counts.failures.get(Status.OPT_OUT, 0) + counts.filtered.get("opted_out", 0),
        "signs": sorted(counts.signs.items(), key=lambda item: (-item[1], item[0])),
        "ignored_signs": [name for name in NAMES if merged.signs is not None and name not in merged.signs],
        "histograms": histograms(tally),
    }

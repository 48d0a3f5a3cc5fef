"""The Hub's dataset card, written from the merge's own provenance."""

from dataclasses import dataclass
from typing import Any

import jinja2
import pyarrow as pa

from common.schema import OURS, PUBLISHED, Status
from common.settings import S3Settings
from common.store import Store
from dataset.data_file import read_tally
from dataset.histogram import histograms
from dataset.merged import CARD_KEY, Merged
from dataset.statuses import MEANING
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
COLUMNS = {
    "URL": "address of the picture, as in the input",
    "TEXT": "original caption, as in the input",
    "top_caption": "the caption that the selector chose from the shortlist",
    "all_captions": "every distinct caption, best first by the ranker",
    "all_similarities": "the ranker's cosine similarity of each of them with the picture",
    "WIDTH": "of the input",
    "HEIGHT": "of the input",
    "similarity": "of the input: its own picture-text similarity of the original caption",
    "hash": "of the input",
    "pwatermark": "of the input: probability of a watermark",
    "punsafe": "of the input: probability of unsafe content",
    "shortlist": "the best captions, by the ranker",
    "shortlist_similarities": "the selector's cosine similarity of each of them",
    "repaired_caption": "the top caption after the optional repair step",
    "part": "input file",
    "row": "position in the input file",
    "status": "ok in every row here",
    "error": "null in every row here",
    "sha256": "of the picture's bytes when it was captioned",
}


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
        card = render_card(merged, read_tally(store, merged.files, s3), CardTexts())
        store.create(CARD_KEY, card.encode())


def _variables(merged: Merged, tally: Tally, texts: CardTexts) -> dict[str, Any]:
    counts = merged.counts
    rows_in = max(counts.rows_in, 1)
    failures = sorted(counts.failures.items(), key=lambda item: (-item[1], item[0]))
    schema = pa.schema([*PUBLISHED, *OURS]) if merged.recipe.keep_columns else PUBLISHED
    return {
        "texts": texts,
        "merged": merged,
        "counts": counts,
        "size_category": next((name for end, name in SIZES.items() if counts.rows_out < end), "n>1B"),
        "columns": [
            (field.name, str(field.type).replace("item: ", ""), COLUMNS[field.name]) for field in schema
        ],
        "models": merged.models.model_dump(),
        "sampling": merged.sampling.model_dump(mode="json"),
        "meanings": {name: field.description for name, field in type(merged.sampling).model_fields.items()},
        "failures": [(name, n, 100 * n / rows_in, MEANING[name]) for name, n in failures],
        "opted_out": counts.failures.get(Status.OPT_OUT, 0),
        "histograms": histograms(tally),
    }

"""The gallery's HTML: one file that loads nothing but pictures, and trusts no text."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import jinja2

from common.run.status import Status
from dataset.pages.asset import read_asset, read_style, source_hash
from dataset.pages.templating import make_environment
from dataset.rows.row_source import Row
from dataset.rows.sample import Sample

GALLERY = "dataset.gallery"
LONGEST = 400
"""Characters shown of any untrusted text."""
NOTHING: Mapping[int, str] = {}
WEB_ADDRESS = re.compile(r"https?://[^\s\\\x00-\x1f\"'<>`]+", re.IGNORECASE)


@dataclass(frozen=True)
class Choice:
    """A caption of the shortlist."""

    caption: str
    selector: float
    ranker: float | None
    top: bool


@dataclass(frozen=True)
class Card:
    """A row as it is shown."""

    url: str
    image: str | None
    """Where to load it from; None where the address is not one of the web's, or the row failed."""
    thumbnail: str | None
    """The image itself as a `data:` address, where the row has no URL; None where it is gone."""
    text: str
    top: str
    similarity: float | None
    choices: tuple[Choice, ...]
    candidates: int
    failure: str | None
    """The failure, for people."""
    status: str
    error: str


def render_page(
    sample: Sample, title: str, *, with_failures: bool, thumbnails: Mapping[int, str] = NOTHING
) -> str:
    """The page as HTML.

    Args:
        sample: rows in the order in which they are shown.
        title: of the page.
        with_failures: show failed rows, too.
        thumbnails: `data:` addresses of images without URL, by the row's index.
    """
    cards = [
        card(row, thumbnails.get(index))
        for index, row in enumerate(sample.rows)
        if with_failures or row["status"] == Status.OK
    ]
    scores = [card.similarity for card in cards if card.similarity is not None]
    style, script = read_style(GALLERY, "gallery.css"), read_asset(GALLERY, "gallery.js")
    return _template().render(
        cards=cards,
        title=title,
        sample=sample,
        lowest=math.floor(100 * min(scores, default=0)) / 100,
        highest=math.ceil(100 * max(scores, default=1)) / 100,
        meaning={status: status.meaning for status in Status},
        with_failures=with_failures,
        style=style,
        script=script,
        policy=content_policy(style, script),
    )


def content_policy(style: str, script: str) -> str:
    """Nothing loads or runs but pictures and the two texts of the page's own."""
    return (
        "default-src 'none'; img-src http: https: data:; base-uri 'none'; form-action 'none';"
        f" style-src {source_hash(style)}; script-src {source_hash(script)}"
    )


def _template() -> jinja2.Template:
    environment = make_environment(GALLERY, autoescape=True)
    environment.filters["shorten"] = shorten
    return environment.get_template("gallery.html.jinja")


def shorten(text: str) -> str:
    """At most `LONGEST` characters, and how many there were."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"


def card(row: Row, thumbnail: str | None = None) -> Card:
    """A row of untrusted values, and its image where it has no address."""
    good = row["status"] == Status.OK
    url = row["URL"] or ""
    similarities = row["all_similarities"] or []
    return Card(
        url=url,
        image=url if good and WEB_ADDRESS.fullmatch(url) else None,
        thumbnail=thumbnail,
        text=row["TEXT"] or "",
        top=row["top_caption"] or "",
        similarity=_finite(similarities[0]) if similarities else None,
        choices=_choices(row),
        candidates=len(row["all_captions"] or []),
        failure=None if good else Status(row["status"]).meaning,
        status=row["status"],
        error=row["error"] or "",
    )


def _choices(row: Row) -> tuple[Choice, ...]:
    ranker: Mapping[str, float | None] = dict(
        zip(row["all_captions"] or [], map(_finite, row["all_similarities"] or []), strict=False)
    )
    scored = zip(row["shortlist"] or [], row["shortlist_similarities"] or [], strict=False)
    best = sorted(scored, key=lambda pair: -(_finite(pair[1]) or 0))
    return tuple(
        Choice(caption or "", _finite(score) or 0, ranker.get(caption), top=not place)
        for place, (caption, score) in enumerate(best)
    )


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None

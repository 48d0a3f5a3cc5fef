"""The report's plots as inline SVG; colours are those of the page's style, and follow light and dark."""

from collections.abc import Iterable, Iterator, Mapping

from markupsafe import Markup

from dataset.survey.answers import RATINGS
from dataset.survey.layout import Author
from dataset.survey.report.shares import ShareRow
from dataset.survey.report.tables import Tables

WIDTH = 440
MARGIN = 24
ROW = 58
LABEL = 20
"""Pixels of a row for its name; the mark is below."""
MARK = 40
TOP = 8
AXIS = 36
BARS = 190
DOT = 14


def rating_plot(one: Tables) -> Markup:
    """The share of each rating, side by side by truth."""
    step = WIDTH / len(RATINGS)
    width = step * 0.84 / len(one.histogram)
    most = max((share for shares in _shares(one.histogram).values() for share in shares), default=0) or 1
    shapes = []
    for place, (truth, shares) in enumerate(_shares(one.histogram).items()):
        for rating, share in zip(RATINGS, shares, strict=True):
            x = step * (rating + 0.08) + place * width
            shapes.append(_bar(x, width - 2, BARS * share / most, truth, share))
    labels = (_text(step * (rating + 0.5), TOP + 20 + BARS + 22, str(rating)) for rating in RATINGS)
    described = "; ".join(
        f"{truth}: "
        + ", ".join(f"{rating} {share:.0%}" for rating, share in zip(RATINGS, shares, strict=True))
        for truth, shares in _shares(one.histogram).items()
    )
    return _svg(TOP + 20 + BARS + 32, f"Shares of ratings 0 to 5. {described}", [*shapes, *labels])


def share_plot(rows: Iterable[ShareRow]) -> Markup:
    """Shares with their intervals, the half marked, published figures as rings."""
    shapes: list[Markup] = []
    described = []
    for number, row in enumerate(rows):
        if row.share.value is None:
            continue
        y = TOP + ROW * number + MARK
        shapes.append(_text(MARGIN, y - MARK + LABEL, row.label, anchor="start"))
        shapes.append(_text(WIDTH - MARGIN, y - MARK + LABEL, f"{row.share.value:.1%}", anchor="end"))
        shapes += _whisker(y, row.share.value, row.share.low, row.share.high)
        if row.published is not None:
            shapes.append(
                Markup('<circle class="published" cx="{}" cy="{}" r="8"/>').format(_x(row.published), y)
            )
        described.append(f"{row.label} {row.share.value:.1%}")
    height = TOP + ROW * len(described)
    return _svg(height + AXIS, "Shares. " + "; ".join(described), [*_axis(height), *shapes])


def rater_plot(one: Tables) -> Markup:
    """One dot a rater: the share of right guesses, or of captions taken for human in a machine-only round."""
    shares = sorted(row.taken_for_human if one.machine_only else row.right for row in one.by_rater)
    what = "taken for human" if one.machine_only else "right guesses"
    stacked: dict[int, int] = {}
    dots = []
    for share in shares:
        bin_ = round(share * 40)
        stacked[bin_] = stacked.get(bin_, 0) + 1
        dots.append((_x(bin_ / 40), stacked[bin_]))
    height = TOP + LABEL + 16 + DOT * max(stacked.values(), default=1)
    circles = [
        Markup('<circle class="dot" cx="{:.1f}" cy="{}" r="5"/>').format(x, height - DOT * level + 4)
        for x, level in dots
    ]
    label = _text(MARGIN, TOP + LABEL, what, anchor="start")
    described = ", ".join(f"{share:.0%}" for share in shares)
    return _svg(height + AXIS, f"Raters, by {what}: {described}", [*_axis(height), *circles, label])


def _shares(histogram: Mapping[Author, Mapping[int, int]]) -> dict[Author, list[float]]:
    return {
        truth: [counts[rating] / max(1, sum(counts.values())) for rating in RATINGS]
        for truth, counts in histogram.items()
    }


def _bar(x: float, width: float, height: float, truth: Author, share: float) -> Markup:
    y = TOP + 20 + BARS - height
    bar = Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="2"/>')
    return bar.format(truth, x, y, width, height) + _text(x + width / 2, y - 5, f"{share:.0%}", small=True)


def _whisker(y: float, value: float, low: float | None, high: float | None) -> Iterator[Markup]:
    if low is not None and high is not None:
        line = Markup('<path class="interval" d="M{:.1f} {y}H{:.1f}M{:.1f} {a}V{b}M{:.1f} {a}V{b}"/>')
        yield line.format(_x(low), _x(high), _x(low), _x(high), y=y, a=y - 6, b=y + 6)
    yield Markup('<circle class="dot" cx="{:.1f}" cy="{}" r="5"/>').format(_x(value), y)


def _axis(height: float) -> Iterator[Markup]:
    for share in (0, 0.25, 0.5, 0.75, 1):
        kind = "half" if share == 0.5 else "grid"  # noqa: PLR2004 - what a coin would do
        yield Markup('<path class="{}" d="M{:.1f} {}V{}"/>').format(kind, _x(share), TOP, height)
        yield _text(_x(share), height + 20, f"{share:.0%}", small=True)


def _x(share: float) -> float:
    return MARGIN + share * (WIDTH - 2 * MARGIN)


def _text(x: float, y: float, text: str, *, anchor: str = "middle", small: bool = False) -> Markup:
    kind = "small" if small else "label"
    element = Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>')
    return element.format(kind, x, y, anchor, text)


def _svg(height: float, described: str, shapes: Iterable[Markup]) -> Markup:
    head = Markup('<svg viewBox="0 0 {} {:.0f}" role="img" aria-label="{}">').format(WIDTH, height, described)
    return head + Markup("\n").join(shapes) + Markup("</svg>")

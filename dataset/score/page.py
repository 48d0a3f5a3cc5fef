"""The score as one HTML page with plots, in the style of the survey's report."""

from collections.abc import Sequence

from markupsafe import Markup

from dataset.pages.asset import read_style, source_hash
from dataset.pages.templating import make_environment
from dataset.score.score import Figure, Score, format_estimate

WIDTH, HEIGHT, MARGIN = 440, 240, 48
Points = Sequence[tuple[float, float]]


def render_score(score: Score) -> str:
    """The page; it loads nothing."""
    environment = make_environment("dataset.score", autoescape=True)
    environment.filters["estimate"] = format_estimate
    style = read_style("dataset.pages", "report.css")
    return environment.get_template("score.html.jinja").render(
        score=score,
        style=style,
        policy=f"default-src 'none'; style-src {source_hash(style)}; base-uri 'none'; form-action 'none'",
        growth=line_plot(score.growth, "captions", "distinct words", digits=0),
        best_of=line_plot(score.best_of, "candidates", "similarity of the best", digits=3),
        cider=Figure("cider", "CIDEr-D, 0 to 10", score.references.cider) if score.references else None,
    )


def line_plot(points: Points, across: str, up: str, *, digits: int) -> Markup:
    """A line through points, its ends labelled; as inline SVG in the page's colours."""
    if len(points) < 2:  # noqa: PLR2004 - a line needs two
        return Markup("<p>Too few rows for a curve.</p>")
    xs, ys = [x for x, _ in points], [y for _, y in points]
    places = [(_scale(x, xs, MARGIN, WIDTH - MARGIN), _scale(y, ys, HEIGHT - MARGIN, 24)) for x, y in points]
    path = Markup(" ").join(Markup("{:.1f},{:.1f}").format(x, y) for x, y in places)
    described = f"{up} by {across}: " + ", ".join(f"{x:,.0f}: {y:,.{digits}f}" for x, y in points)
    floor = HEIGHT - MARGIN
    return Markup(
        '<svg viewBox="0 0 {w} {h}" role="img" aria-label="{described}">'
        '<line class="grid" x1="{m}" y1="{floor}" x2="{right}" y2="{floor}"/>'
        '<polyline class="interval" points="{path}"/>{dots}{labels}</svg>'
    ).format(
        w=WIDTH, h=HEIGHT, m=MARGIN, right=WIDTH - MARGIN, floor=floor, described=described, path=path,
        dots=Markup("").join(map(_dot, places)),
        labels=Markup("").join(
            [
                _label(MARGIN, floor + 20, f"{xs[0]:,.0f}", "middle"),
                _label(WIDTH - MARGIN, floor + 20, f"{xs[-1]:,.0f}", "middle"),
                _label(WIDTH / 2, floor + 36, across, "middle"),
                _label(places[0][0], places[0][1] - 8, f"{ys[0]:,.{digits}f}", "start"),
                _label(places[-1][0] + 20, places[-1][1] - 8, f"{ys[-1]:,.{digits}f}", "end"),
            ]
        ),
    )  # fmt: skip


def _scale(value: float, values: Sequence[float], low: float, high: float) -> float:
    first, last = min(values), max(values)
    return low + (value - first) / ((last - first) or 1) * (high - low)


def _dot(place: tuple[float, float]) -> Markup:
    return Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="3"/>').format(*place)


def _label(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text class="small" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        x, y, anchor, text
    )

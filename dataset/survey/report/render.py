"""The report as a page, as Markdown and as JSON: one set of tables, three ways to write it."""

import base64
import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path

import jinja2

from common.version import __version__
from dataset.pages.asset import read_style, source_hash
from dataset.pages.templating import make_environment
from dataset.survey.layout import IMAGES
from dataset.survey.report import original
from dataset.survey.report.estimates import Estimate
from dataset.survey.report.failures import Failure
from dataset.survey.report.plots import rater_plot, rating_plot, share_plot
from dataset.survey.report.tables import Tables

Pair = tuple[Path, Tables]
"""A survey's folder and its tables."""


def to_json(rounds: Sequence[Pair]) -> str:
    """Every figure of the report."""
    said = {"version": __version__, "rounds": [dataclasses.asdict(one) for _, one in rounds]}
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"


def to_markdown(rounds: Sequence[Pair], target: Path) -> str:
    """For a README or a paper; pictures are linked from where `target` will lie."""

    def image(folder: Path, failure: Failure) -> str:
        place = folder.absolute() / IMAGES / f"{failure.sample}.jpg"
        return Path(os.path.relpath(place, target.absolute())).as_posix()

    return _environment(escape=False).get_template("report.md.jinja").render(rounds=rounds, image=image)


def to_page(rounds: Sequence[Pair]) -> str:
    """One HTML file that loads nothing: its few pictures are in it."""
    style = read_style("dataset.pages", "report.css")
    return (
        _environment(escape=True)
        .get_template("report.html.jinja")
        .render(
            rounds=rounds,
            style=style,
            policy=f"default-src 'none'; img-src data:; style-src {source_hash(style)}; base-uri 'none'",
            image=_inline,
            rating_plot=rating_plot,
            share_plot=share_plot,
            rater_plot=rater_plot,
        )
    )


def _inline(folder: Path, failure: Failure) -> str:
    body = (folder / IMAGES / f"{failure.sample}.jpg").read_bytes()
    return f"data:image/jpeg;base64,{base64.b64encode(body).decode()}"


def _environment(*, escape: bool) -> jinja2.Environment:
    environment = make_environment("dataset.survey", autoescape=escape)
    environment.filters |= {
        "percent": percent,
        "points": points,
        "figure": figure,
        "spread": spread,
        "cell": cell,
    }
    environment.globals["original"] = original
    return environment


def percent(estimate: Estimate) -> str:
    """`47.5 % (44.1 to 50.9)`."""
    if estimate.value is None:
        return "–"  # noqa: RUF001 - no figure
    if estimate.low is None or estimate.high is None:
        return f"{100 * estimate.value:.1f} %"
    return f"{100 * estimate.value:.1f} % ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})"


def points(estimate: Estimate) -> str:
    """`-2.5 points (-6.0 to 1.0)`."""
    return percent(estimate).replace("%", "points")


def figure(estimate: Estimate) -> str:
    """`3.81 (3.70 to 3.92)`."""
    if estimate.value is None:
        return "–"  # noqa: RUF001 - no figure
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.2f}"
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"


def spread(published: original.Published | None) -> str:
    """`3.98 ± 0.99`."""
    return "not published" if published is None else f"{published.mean:.2f} ± {published.deviation:.2f}"


def cell(text: str) -> str:
    """Untrusted text inside a Markdown table: nothing in it is markup."""
    escaped = "".join(f"\\{c}" if c in "\\`*_[]|~#" else c for c in text)
    return escaped.replace("&", "&amp;").replace("<", "&lt;")

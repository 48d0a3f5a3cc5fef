"""Filling a survey with samples whose pictures can be had."""

import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from common.console.progress import progress
from common.errors import FleetError
from dataset.pages.thumbnails import OK, Fetched
from dataset.survey.candidate import Candidate
from dataset.survey.fetch import fetch_candidates
from dataset.survey.layout import Author
from dataset.survey.spelling import LONGEST, alike

NAME_BYTES = 16
NEAR = 12
"""Of 255. Copies of a drawing in 20 sizes, from 70 pixels on, differ by 7 at most, other drawings by 22."""
AGAIN = "picture drawn before"
CHANGED = "changed since it was captioned"


@dataclass
class Side:
    """The samples of one author: those had, and the candidates left in the order they were drawn."""

    author: Author
    wanted: int
    candidates: Iterator[Candidate]
    had: dict[str, Candidate] = field(default_factory=dict)
    """By the sample's new id."""
    lost: Counter[str] = field(default_factory=Counter)
    """Why candidates were passed over."""

    @property
    def short(self) -> int:
        return self.wanted - len(self.had)


def take_samples(sides: Sequence[Side], folder: Path, side: int) -> None:
    """Fill every side with samples whose pictures lie in `folder`; no picture comes twice, in no size.

    A candidate whose picture cannot be had is replaced by the next one drawn.

    Raises:
        FleetError: the candidates run out.
    """
    places: set[str] = set()
    shown: list[bytes] = []
    with progress("fetching pictures", None) as advance:
        while any(one.short for one in sides):
            trial = {secrets.token_hex(NAME_BYTES): pick for pick in _next(sides, places)}
            candidates = {name: candidate for name, (_, candidate) in trial.items()}
            answers = fetch_candidates(candidates, folder, side, lambda: advance(1))
            for name, (one, candidate) in trial.items():  # in the order of the draw
                status = _check(candidate, answers[name], folder / f"{name}.jpg", shown)
                if status == OK:
                    one.had[name] = candidate
                else:
                    one.lost[status] += 1


def _next(sides: Sequence[Side], places: set[str]) -> list[tuple[Side, Candidate]]:
    """As many fresh candidates as each side is short of."""
    picked = []
    for one in sides:
        for missing in range(one.short, 0, -1):
            candidate = next((c for c in one.candidates if _fresh(one, c, places)), None)
            if candidate is None:
                raise _too_few(one, missing)
            places.add(str(candidate.place))
            picked.append((one, candidate))
    return picked


def _fresh(side: Side, candidate: Candidate, places: set[str]) -> bool:
    reason = None
    if str(candidate.place) in places:
        reason = AGAIN
    elif not 0 < len(alike(candidate.caption)) <= LONGEST:
        reason = "empty or endless caption"
    if reason:
        side.lost[reason] += 1
    return reason is None


def _check(candidate: Candidate, answer: Fetched, file: Path, shown: list[bytes]) -> str:
    """The status; `CHANGED` where it is not the captioned image, `AGAIN` where it was drawn before.

    Args:
        candidate: whose image it is.
        answer: of the fetcher.
        file: of the image; deleted if it cannot be used.
        shown: cells of the images so far.
    """
    status = answer.status
    if status == OK and candidate.sha256 not in {None, answer.sha256}:
        status = CHANGED
    elif status == OK and any(_is_same_image(answer.cells, one) for one in shown):
        status = AGAIN
    if status == OK:
        shown.append(answer.cells)
    else:
        file.unlink(missing_ok=True)
    return status


def _is_same_image(cells: bytes, others: bytes) -> bool:
    """Whether they are one in two sizes or encodings: all of their parts have nearly the same colour."""
    return all(abs(one - other) <= NEAR for one, other in zip(cells, others, strict=True))


def _too_few(side: Side, missing: int) -> FleetError:
    reasons = ", ".join(f"{count} {reason}" for reason, count in side.lost.most_common()) or "none failed"
    had = f"{side.wanted - missing} of {side.wanted} {side.author} ones could be had"
    return FleetError(
        f"too few samples: {had}, and there are no more to draw ({reasons});"
        " ask for a smaller --n, or give more captions"
    )

"""Filling a survey with samples whose pictures can be had."""

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from common.console.progress import progress
from common.errors import FleetError
from dataset.pages.thumbnails import OK, Fetched, fetch_images
from dataset.survey.candidate import Candidate
from dataset.survey.layout import Author
from dataset.survey.spelling import LONGEST, alike

NAME_BYTES = 16
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
    """Fill every side with samples whose pictures lie in `folder`; no picture comes twice.

    A candidate whose picture cannot be had is replaced by the next one drawn.

    Raises:
        FleetError: the candidates run out.
    """
    places: set[str] = set()
    contents: set[bytes] = set()
    with progress("fetching pictures", None) as advance:
        while any(one.short for one in sides):
            trial = {secrets.token_hex(NAME_BYTES): pick for pick in _next(sides, places)}
            fetched = {name: candidate.place for name, (_, candidate) in trial.items()}
            answers = fetch_images(fetched, folder, side, lambda: advance(1))
            for name, (one, candidate) in trial.items():  # in the order of the draw
                status = _check(candidate, answers[name], folder / f"{name}.jpg", contents)
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


def _check(candidate: Candidate, answer: Fetched, file: Path, contents: set[bytes]) -> str:
    """The status; `CHANGED` where it is not the captioned image, `AGAIN` where it was drawn before."""
    if answer.status != OK:
        return answer.status
    if candidate.sha256 is not None and candidate.sha256 != answer.sha256:
        file.unlink()
        return CHANGED
    content = hashlib.sha256(file.read_bytes()).digest()
    if content in contents:
        file.unlink()
        return AGAIN
    contents.add(content)
    return OK


def _too_few(side: Side, missing: int) -> FleetError:
    reasons = ", ".join(f"{count} {reason}" for reason, count in side.lost.most_common()) or "none failed"
    had = f"{side.wanted - missing} of {side.wanted} {side.author} ones could be had"
    return FleetError(
        f"too few samples: {had}, and there are no more to draw ({reasons});"
        " ask for a smaller --n, or give more captions"
    )

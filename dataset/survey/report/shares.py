"""Shares of captions that were taken for human or for machine, as the original gives them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dataset.survey.layout import Author
from dataset.survey.report import original
from dataset.survey.report.estimates import Estimate, share
from dataset.survey.report.observations import Observation


@dataclass(frozen=True, slots=True)
class ShareRow:
    """A share of some answers."""

    label: str
    published: float | None
    share: Estimate


def share_rows(observations: Sequence[Observation], *, machine_only: bool) -> tuple[ShareRow, ...]:
    """The rows of the table.

    Args:
        observations: of one round.
        machine_only: whether the round is one of machine captions alone.
    """
    return tuple(_machine_shares(observations) if machine_only else _mixed_shares(observations))


def _mixed_shares(observations: Sequence[Observation]) -> Iterator[ShareRow]:
    for truth in Author:
        of_truth = [each for each in observations if each.truth == truth]
        yield ShareRow(f"{truth} captions taken for human", None, _share_taken_for(of_truth, Author.HUMAN))
    right = [(each.rater, each.sample, float(each.guess == each.truth)) for each in observations]
    yield ShareRow("right guesses", None, share(right))


def _machine_shares(observations: Sequence[Observation]) -> Iterator[ShareRow]:
    published = {Author.HUMAN: original.TAKEN_FOR_HUMAN, Author.MACHINE: original.TAKEN_FOR_MACHINE}
    for guess in Author:
        yield ShareRow(f"taken for {guess}", published[guess], _share_taken_for(observations, guess))


def _share_taken_for(observations: Sequence[Observation], guess: Author) -> Estimate:
    return share([(each.rater, each.sample, float(each.guess == guess)) for each in observations])

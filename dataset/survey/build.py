"""Building a survey: draw, fetch, make blind, write."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from common.errors import FleetError
from common.settings import S3Settings
from common.store import absolute_uri
from dataset.survey.candidate import Candidate
from dataset.survey.checks import caption_of, draw_checks
from dataset.survey.draw import Side, take_samples
from dataset.survey.human import human_candidates
from dataset.survey.layout import IMAGES, SURVEY, TRUTH, Author, Check, Origin, Sample, Survey, Truth
from dataset.survey.machine import machine_candidates
from dataset.survey.recipe import Recipe
from dataset.survey.spelling import alike

PRIVATE = 0o600


def build(recipe: Recipe, folder: Path, s3: S3Settings) -> Survey:
    """Draw the samples, fetch their pictures, and write the survey's folder, whole or not at all.

    Raises:
        FleetError: the folder is taken or cannot be written, an input is bad, or there are too few samples.
        BadRunError: a shard is bad.
    """
    try:
        if folder.exists() and any(folder.iterdir()):
            raise FleetError(f"{folder}: not empty; a survey needs a folder of its own")
        if recipe.per_rater is not None and recipe.per_rater > recipe.samples:
            raise FleetError(f"--per-rater {recipe.per_rater}: more than the {recipe.samples} samples of --n")
        sides = _sides(recipe, s3)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".survey-", dir=folder.parent) as place:
            scratch = Path(place, "survey")
            (scratch / IMAGES).mkdir(parents=True)
            take_samples(sides, scratch / IMAGES, recipe.side)
            survey = _write(scratch, sides, recipe)
            scratch.rename(folder)
    except OSError as error:
        raise FleetError(f"{folder}: {error.strerror or error}; give another --output") from error
    return survey


def _sides(recipe: Recipe, s3: S3Settings) -> list[Side]:
    if recipe.human is None:
        machine, sides = recipe.samples, []
    else:
        if recipe.samples % 2:
            raise FleetError(f"--n {recipe.samples}: half human and half machine needs an even number")
        machine = recipe.samples // 2
        human = human_candidates(recipe.human, recipe.image_folder, recipe.seed)
        sides = [Side(Author.HUMAN, machine, iter(human))]
    machine += recipe.checks  # whose pictures need no caption
    candidates = machine_candidates(recipe.run, recipe.data, 2 * machine, recipe.seed, s3)
    return [*sides, Side(Author.MACHINE, machine, candidates)]


def _write(folder: Path, sides: list[Side], recipe: Recipe) -> Survey:
    had = dict(sorted((name, candidate) for side in sides for name, candidate in side.had.items()))
    machine = list(sides[-1].had)
    checks = draw_checks(machine[len(machine) - recipe.checks :], recipe.seed)
    survey, truth = _survey(had, checks, recipe), _truth(had, checks, recipe)
    (folder / SURVEY).write_text(survey.model_dump_json(indent=1, exclude_defaults=True), "utf-8")
    (folder / TRUTH).touch(PRIVATE)
    (folder / TRUTH).write_text(truth.model_dump_json(indent=1), "utf-8")
    for sample in survey.samples:  # the order of fetching must not show
        os.utime(folder / IMAGES / sample.image, (0, 0))
    return survey


def _survey(had: Mapping[str, Candidate], checks: Mapping[str, Check], recipe: Recipe) -> Survey:
    """All that raters may know: the attention checks look as the samples do."""
    captions = {name: alike(one.caption) for name, one in had.items()}
    captions |= {name: caption_of(check) for name, check in checks.items()}
    return Survey(
        title=recipe.title,
        contact=recipe.contact,
        samples=tuple(Sample(id=name, caption=caption) for name, caption in captions.items()),
        per_rater=recipe.per_rater,
        checks=frozenset(checks),
    )


def _truth(had: Mapping[str, Candidate], checks: dict[str, Check], recipe: Recipe) -> Truth:
    return Truth(
        run=recipe.data if recipe.run is None else absolute_uri(recipe.run),
        human=None if recipe.human is None else str(recipe.human),
        seed=recipe.seed,
        samples={name: _origin(candidate) for name, candidate in had.items()},
        checks=checks,
    )


def _origin(candidate: Candidate) -> Origin:
    return Origin(author=candidate.author, source=str(candidate.place), caption=candidate.caption)

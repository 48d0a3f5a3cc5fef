"""Surveys made at once, without a run: drawn pictures, known truth."""

import io
import random
from pathlib import Path

from PIL import Image

from dataset.survey.checks import draw_checks
from dataset.survey.database import open_database
from dataset.survey.layout import ANSWERS, IMAGES, SURVEY, TRUTH, Author, Origin, Sample, Survey, Truth
from dataset.survey.raters import invite
from dataset.survey.spelling import alike
from tests.dataset.gallery.scenes import Scene


def sample_id(number: int) -> str:
    return f"{random.Random(number).getrandbits(128):032x}"


def make_survey(
    folder: Path,
    samples: int,
    *,
    machine_only: bool = False,
    captions: dict[int, str] | None = None,
    per_rater: int | None = None,
    checks: int = 0,
) -> Survey:
    """A survey whose even samples are human, unless it is machine-only; the last ones are checks."""
    (folder / IMAGES).mkdir(parents=True)
    origins = {}
    made = []
    for number in range(samples):
        words = Scene(number).words
        caption = (captions or {}).get(number, "a {colour} {shape} beside a {other} {second}".format(**words))
        author = Author.MACHINE if machine_only or number % 2 else Author.HUMAN
        name = sample_id(number)
        (folder / IMAGES / f"{name}.jpg").write_bytes(_jpeg(number))
        made.append(Sample(id=name, caption=alike(caption) if number not in (captions or {}) else caption))
        origins[name] = Origin(author=author, source=f"https://images.example/{number}.jpg", caption=caption)
    asked = draw_checks([one.id for one in made[samples - checks :]], 0)
    survey = Survey(
        title="Human or machine?",
        contact="survey@example.org",
        samples=tuple(made),
        per_rater=per_rater,
        checks=frozenset(asked),
    )
    human = None if machine_only else "/captions.json"
    truth = Truth(run="/run", human=human, seed=0, samples=origins, checks=asked)
    (folder / SURVEY).write_text(survey.model_dump_json())
    (folder / TRUTH).write_text(truth.model_dump_json())
    return survey


def codes(folder: Path, count: int) -> list[str]:
    with open_database(folder / ANSWERS) as database:
        return invite(database, count)


def _jpeg(number: int) -> bytes:
    sink = io.BytesIO()
    Image.open(io.BytesIO(Scene(number).png())).save(sink, "JPEG", quality=85)
    return sink.getvalue()

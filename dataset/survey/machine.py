"""Machine captions: rows of a run or of a data set, each as likely as any other."""

from collections.abc import Iterator

from common.settings import S3Settings
from dataset.rows.held_images import held_image
from dataset.rows.row_source import RunRows, open_rows
from dataset.rows.sample import draw_rows
from dataset.survey.candidate import Candidate
from dataset.survey.layout import Author


def machine_candidates(
    run: str | None, data: str | None, at_once: int, seed: int, s3: S3Settings
) -> Iterator[Candidate]:
    """Captioned rows in the order in which the seed draws them, read `at_once` at a time, to the last.

    Raises:
        FleetError: there is no run and no data set.
        BadRunError: a shard is bad.
    """
    source = open_rows(run, data, s3)
    store = source.source.store if isinstance(source, RunRows) else None
    for row in draw_rows(source, seed, at_once):
        place = row["URL"] or (store and held_image(row, store, s3))
        if row["top_caption"] and place:
            yield Candidate(Author.MACHINE, place, row["top_caption"], row["sha256"])

"""Machine captions: rows of a run, each as likely as any other."""

from common.settings import S3Settings
from dataset.gallery.sample import draw
from dataset.source import open_source
from dataset.survey.candidate import Candidate
from dataset.survey.layout import Author

SPARE = 4
"""Rows drawn for each that is wanted: on the web of today many a picture is gone."""


def machine_candidates(run: str, wanted: int, seed: int, s3: S3Settings) -> list[Candidate]:
    """Captioned rows in the order in which the seed draws them.

    Raises:
        FleetError: there is no run.
        BadRunError: a shard is bad.
    """
    rows = draw(open_source(run, s3), SPARE * wanted, seed).rows
    return [Candidate(Author.MACHINE, row["URL"], row["top_caption"]) for row in rows if row["top_caption"]]

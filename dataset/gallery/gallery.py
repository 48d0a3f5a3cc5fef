"""A page of random samples of a run or a data set."""

from dataclasses import dataclass

from common.run.status import Status
from common.settings import S3Settings
from dataset.gallery.embed import embed_images
from dataset.gallery.page import render_page
from dataset.rows.row_source import RowSource, RunRows
from dataset.rows.sample import draw


@dataclass(frozen=True)
class Gallery:
    """A page, and its summary in one line.

    Args:
        page: HTML.
        samples: captioned rows on it.
        gone: images without URL that are no longer where they were captioned.
    """

    page: str
    samples: int
    gone: int

    @property
    def text(self) -> str:
        lost = f", {self.gone} of them without their pictures, which are no longer there" if self.gone else ""
        return f"{self.samples} samples{lost}"


def make_gallery(
    source: RowSource, rows: int, seed: int, title: str, s3: S3Settings, *, with_failures: bool
) -> Gallery:
    """Draw `rows` captioned rows and show them.

    Raises:
        BadRunError: a shard is bad.
        FleetError: images have to be read from parts, and the workers' packages are not installed.
    """
    sample = draw(source, rows, seed)
    images = embed_images(sample.rows, source.source.store, s3) if isinstance(source, RunRows) else {}
    without_url = sum(bool(row["top_caption"]) and not row["URL"] for row in sample.rows)
    page = render_page(sample, title, with_failures=with_failures, thumbnails=images)
    return Gallery(page, sample.statuses[Status.OK], without_url - len(images))

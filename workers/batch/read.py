"""A batch's rows, read and filtered, with the source of their images."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import pyarrow as pa

from common.metrics import Stage, measure
from common.settings import Settings
from workers.archive import Source, TarSource, open_source
from workers.batch.filters import Filters
from workers.batch.outcome import Outcome
from workers.batch.rows import read_rows
from workers.batch.work import Work


@dataclass(frozen=True, slots=True)
class Rows:
    """A batch's rows as they were read.

    Args:
        table: URL, TEXT and the passed-through columns.
        settled: outcomes of the rows that have no image, or that the operator does not want, by index.
        filters: for what is known only once an image is fetched.
        source: the images that are here; None where they are on the web.
    """

    table: pa.Table
    settled: Mapping[int, Outcome]
    filters: Filters
    source: Source | None = None

    @property
    def urls(self) -> list[str | None]:
        return cast("list[str | None]", self.table["URL"].to_pylist())


def read_batch(work: Work, settings: Settings) -> Rows:
    """Read a batch's rows and filter them.

    Raises:
        PartError: the part changed or is damaged.
        StoreError: the place where it lies cannot be reached.
        FilterError: the deny list cannot be read.
    """
    filters = Filters(settings.filter)
    part = work.part.as_read(work.store.uri)
    with measure(Stage.READ):
        source = open_source(part, work.batch, settings.s3)
        if isinstance(source, TarSource):
            table = source.table
        else:
            table = read_rows(part.row_list, work.batch, settings.s3)
    absent = source.absent() if source else {}
    lacking = {index: Outcome(found.status, found.error) for index, found in absent.items()}
    return Rows(table, lacking | _filter(table, filters), filters, source)


def _filter(table: pa.Table, filters: Filters) -> dict[int, Outcome]:
    verdicts = ((index, filters.verdict(row)) for index, row in enumerate(table.to_pylist()))
    return {index: Outcome(*verdict) for index, verdict in verdicts if verdict is not None}

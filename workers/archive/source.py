"""The images of one batch, from where its part keeps them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from common.run.batch import Batch
from common.run.planned_part import Part
from common.settings import S3Settings
from workers.archive.column import ColumnSource
from workers.archive.folder import FolderSource
from workers.archive.listed_tar import ListedTarSource
from workers.archive.tar import TarSource
from workers.fetched import Fetched


class Source(Protocol):
    """Images of a batch, numbered from 0 on."""

    def absent(self) -> Mapping[int, Fetched]:
        """Outcomes of the rows that are known to have no image."""

    def read(self, wanted: Sequence[int], max_bytes: int) -> Iterator[tuple[int, Fetched]]:
        """Each of the wanted rows, in any order; waits for disks and stores.

        Raises:
            PartError: the part changed or is damaged.
            StoreError: the place where it lies cannot be reached.
        """


def open_source(part: Part, batch: Batch, s3: S3Settings) -> Source | None:
    """The images of a batch; None where they are on the web.

    Raises:
        PartError: the part changed or is damaged.
        StoreError: the place where it lies cannot be reached.
    """
    match part.kind:
        case "links":
            return None
        case "images":
            return ColumnSource(part, batch, s3)
        case "folder":
            return FolderSource(part, batch, s3)
        case "tar":
            return (ListedTarSource if part.beside else TarSource)(part, batch, s3)

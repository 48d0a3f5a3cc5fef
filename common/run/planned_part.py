"""A part as it was planned: its id, its size, and the batches that it is cut into."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field

from common.errors import FleetError
from common.run.batch import Batch
from common.run.fingerprint import Fingerprint
from common.run.layout import staged_key
from common.run.record import Record

MAX_ROWS = 10**10
MAX_BATCHES = 10**6
"""Limits on one part, so that every command can count through an untrusted manifest."""

SLUG_LENGTH = 24

PartId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]


Kind = Literal["links", "images", "tar", "folder"]
"""Parquet of links; parquet that holds images; a tar of them; an index or a list of a folder of them."""


class Beside(Record):
    """The parquet file beside a tar: which rows it has, failed ones included."""

    address: str
    size: int
    etag: str | None = None


class Part(Record):
    """One planned input file.

    Args:
        id: in the run.
        address: of the file; of a folder's index, which lies in the run.
        rows: of the part.
        size: of the file, in bytes.
        etag: of the file, where the place has one.
        staged: version of its copy in the run, if there is one.
        kind: what it holds.
        beside: of a tar, the list of its rows, where there is one.
        folder: of an index, the address below which its images lie. Nothing else names paths.
        suffix: of a list that img2dataset wrote beside its folder, what follows a key in an image's name.
        file_rows: of the whole file, of which fewer may be planned; None in version 0.1.
    """

    id: PartId
    address: str
    rows: Annotated[int, Field(gt=0, le=MAX_ROWS)]
    size: int
    etag: str | None = None
    staged: Fingerprint | None = None
    kind: Kind = "links"
    beside: Beside | None = None
    folder: str | None = None
    suffix: str | None = None
    file_rows: int | None = None

    @property
    def fingerprint(self) -> Fingerprint:
        return Fingerprint(self.size, self.etag)

    @property
    def has_list(self) -> bool:
        """Whether its rows are those of a parquet file."""
        return self.kind != "tar" or self.beside is not None

    @property
    def row_list(self) -> "Part":
        """The parquet file of its rows: the part itself, but for a tar the file beside it."""
        if self.beside is None:
            return self
        return self.model_copy(update={**self.beside.model_dump(), "beside": None})

    def as_read(self, run: str) -> "Part":
        """The part for a worker: itself, or its copy in the run at the URI `run`."""
        if self.staged is None:
            return self
        address = f"{run}/{staged_key(self.id)}"
        return self.model_copy(
            update={"address": address, "size": self.staged.size, "etag": self.staged.etag}
        )

    def batches(self, batch_rows: int) -> Iterator[Batch]:
        """The part cut into row ranges; the last may be shorter.

        Raises:
            FleetError: there are more than `MAX_BATCHES`.
        """
        count = -(-self.rows // batch_rows)
        if count > MAX_BATCHES:
            raise FleetError(
                f"{self.address}: {count} batches of {batch_rows} rows, more than {MAX_BATCHES} a part;"
                " start a run with a larger --batch-rows"
            )
        for first in range(0, self.rows, batch_rows):
            yield self._batch(first, batch_rows)

    def batch_at(self, first_row: int, batch_rows: int) -> Batch | None:
        """The batch that begins at `first_row`, or None if none does."""
        starts_one = first_row % batch_rows == 0 and 0 <= first_row < self.rows
        return self._batch(first_row, batch_rows) if starts_one else None

    def _batch(self, first_row: int, batch_rows: int) -> Batch:
        return Batch(self.id, first_row, min(batch_rows, self.rows - first_row))


def part_id(address: str) -> str:
    """A readable name made unique by a hash of the whole address.

    Two parts of the same file name in different folders never collide.
    """
    stem = PurePosixPath(address).name.removesuffix(".parquet")
    slug = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_")[:SLUG_LENGTH] or "part"
    return f"{slug}-{hashlib.sha256(address.encode()).hexdigest()[:10]}"

"""The plan of one file: what it holds, by its footer, its name and the files beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from common.archive.img2dataset import COLUMNS, has_keys
from common.run.columns import input_columns, require_columns, unused_columns
from common.run.fingerprint import Fingerprint
from common.run.part import AbsentPartError, ChangedPartError, PartError, open_part
from common.run.planned_part import Part, part_id
from common.settings import S3Settings
from producer.images.column import holds_images
from producer.images.listed_folder import plan_listed_folder
from producer.images.row_list import RowList, footer_errors
from producer.images.siblings import Siblings
from producer.images.tar import is_tar, plan_listed_tar, plan_tar, tar_of
from producer.images.unfinished import has_others, is_finished, unfinished
from producer.memory import Memory
from producer.useless import NO_ROWS, UselessPartError

SHARD_MARK = b"fleet"
"""Key of a shard's metadata (`workers.batch.shard`)."""

AS_LINKS = "--as links downloads its links instead"
BESIDE_TAR = f"read as images, from the tar beside the list; {AS_LINKS}"
BESIDE_FOLDER = f"read as images, from the folder beside the list; {AS_LINKS}"
IN_COLUMN = "read as images, from the column that holds them; --as links downloads the links instead"
WITHOUT_IMAGES = "a list of img2dataset without images that are read: its links are downloaded"


@dataclass(frozen=True, slots=True)
class Planned:
    """Result of planning one file.

    Args:
        part: its plan; None where nothing in it can be captioned.
        remarks: about its columns, and how it is read.
        useless: why there is no plan.
    """

    part: Part | None
    remarks: Sequence[str] = ()
    useless: UselessPartError | None = None


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans one part at a time, in any thread.

    Args:
        s3: where S3 is.
        siblings: the files beside the parts.
        memory: of the run.
        as_links: read nothing as images.
    """

    s3: S3Settings
    siblings: Siblings
    memory: Memory
    as_links: bool

    def plan(self, address: str) -> Planned:
        """What `address` holds.

        Raises:
            PartError: it is missing, no parquet or tar, or has neither links nor images.
        """
        part = self.memory.recall(address)
        if part is not None:
            return Planned(part)
        try:
            if is_tar(address):
                return Planned(plan_tar(address, self.s3, self.siblings))
            return self._plan_parquet(address)
        except UselessPartError as error:
            return Planned(None, useless=error)

    def _plan_parquet(self, address: str) -> Planned:
        try:
            return self._read_footer(address, self.memory.listed.get(address))
        except ChangedPartError:  # since the listing
            return self._read_footer(address, None)
        except (AbsentPartError, UselessPartError):
            raise
        except PartError as error:
            if is_finished(address, self.siblings) or not has_others(address, self.siblings):
                raise
            raise unfinished(address) from error

    def _read_footer(self, address: str, listed: Fingerprint | None) -> Planned:
        with open_part(address, self.s3, listed=listed) as (file, found), footer_errors(address, file):
            part = self.memory.recall(address, found)
            return Planned(part) if part else self._plan_rows(RowList.read(address, file, found))

    def _plan_rows(self, rows: RowList) -> Planned:
        """The plan of a file as the list of a tar, as images in it or beside it, or as links."""
        tar = tar_of(rows.address)
        if not self.as_links and has_keys(rows.schema) and self.siblings.has(tar):
            return Planned(plan_listed_tar(tar, rows, self.s3, self.siblings), [BESIDE_TAR])
        self._require_rows(rows)
        planned = None if self.as_links else self._plan_images(rows)
        if planned is None:
            require_columns(rows.schema)
        return planned or Planned(rows.plan(), list(self._remarks(rows)))

    def _require_rows(self, rows: RowList) -> None:
        if SHARD_MARK in (rows.schema.metadata or {}):
            raise PartError(
                f"{rows.address}: a shard that the fleet wrote, not a list of links; leave its run out"
            )
        if rows.rows:
            return
        if part_id(rows.address) in self.memory.planned:
            raise PartError(
                f"{rows.address}: it had rows when it was enqueued, and has none now;"
                " leave it out, or enqueue it into a new run"
            )
        raise UselessPartError(rows.address, NO_ROWS)

    def _plan_images(self, rows: RowList) -> Planned | None:
        """The plan of a file with images in it or beside it; None where there are none."""
        if holds_images(rows.address, rows.schema, rows.metadata):
            said = [IN_COLUMN] if "URL" in input_columns(rows.schema) else []
            return Planned(rows.plan(kind="images"), [*unused_columns(rows.schema), *said])
        folder = plan_listed_folder(rows, self.s3, self.siblings)
        return None if folder is None else Planned(folder, [BESIDE_FOLDER])

    def _remarks(self, rows: RowList) -> Iterator[str]:
        yield from unused_columns(rows.schema)
        if not self.as_links and set(rows.schema.names) >= COLUMNS:
            yield WITHOUT_IMAGES

"""Images in a tar without a list: URL and TEXT come from its own members."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import pyarrow as pa

from common.archive.samples import Sample
from common.archive.tar import Member, TarError, read_whole
from common.archive.tar_part import find_samples, open_tar, read_members
from common.run.batch import Batch
from common.run.columns import ColumnsError
from common.run.objects import gather, to_row
from common.run.planned_part import Part
from common.run.schema import FROM_INPUT
from common.run.status import Status
from common.settings import S3Settings
from workers.archive.sizes import to_fetched
from workers.fetched import Fetched

TEXT_BYTES = 64 << 20
BATCH_BYTES = 1 << 30


class TarSource:
    """The samples of a row range; the headers are read once."""

    def __init__(self, part: Part, batch: Batch, s3: S3Settings) -> None:
        self._part, self._first, self._s3 = part, batch.first_row, s3
        with open_tar(part, s3) as file:
            self._samples = find_samples(file, batch.first_row, batch.rows)
            self.table = _read_table(file, list(self._samples.values()))

    def absent(self) -> Mapping[int, Fetched]:
        """Samples without an image."""
        lack = Fetched(Status.NO_IMAGE, "the sample has no image")
        return {row - self._first: lack for row, sample in self._samples.items() if sample.image is None}

    def read(self, wanted: Sequence[int], max_bytes: int) -> Iterator[tuple[int, Fetched]]:
        """See `Source`."""
        images = ((self._first + index, self._samples[self._first + index].image) for index in wanted)
        members = {row: image for row, image in images if image is not None}
        with open_tar(self._part, self._s3) as file:
            for held in read_members(file, members, max_bytes):
                yield held.row - self._first, to_fetched(held, "")


def _read_table(file: BinaryIO, samples: Sequence[Sample]) -> pa.Table:
    size = sum(member.size for sample in samples for member in (sample.text, sample.json) if member)
    if size > BATCH_BYTES:
        raise TarError(f"{len(samples)} rows with more than {BATCH_BYTES >> 30} GB of text")
    return pa.Table.from_batches([gather([_row(file, sample) for sample in samples])], FROM_INPUT)


def _row(file: BinaryIO, sample: Sample) -> dict[str, str | None]:
    """The columns of a sample: those of its JSON, and TEXT from its text unless that is blank."""
    row = _read_record(file, sample.json) if sample.json else {}
    text = _read_text(file, sample.text) if sample.text else ""
    return {**row, "TEXT": text} if text else row


def _read_record(file: BinaryIO, member: Member) -> dict[str, str | None]:
    try:
        record: Any = json.loads(_read_text(file, member))
        if not isinstance(record, dict):
            raise ColumnsError("no JSON object")
        return to_row(record)
    except TarError:
        raise
    except (ValueError, RecursionError) as error:
        reason = str(error)[:100] or "too deep"
        raise TarError(f"member {member.name[:100]!r}: {reason}") from error


def _read_text(file: BinaryIO, member: Member) -> str:
    if member.size > TEXT_BYTES:
        raise TarError(f"member {member.name[:100]!r} holds more than {TEXT_BYTES >> 20} MB of text")
    try:
        return read_whole(file, member).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TarError(f"member {member.name[:100]!r} is not UTF-8") from error

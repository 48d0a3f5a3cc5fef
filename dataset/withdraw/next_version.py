"""The record of the version without the withdrawn rows."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

from common.errors import FleetError
from dataset.files.merged import DataFile, Merged, Withdrawal
from dataset.files.recipe import file_origin
from dataset.version import rewritten_key
from dataset.withdraw.denials import Denials


def next_version(denials: Denials, lost: Mapping[int, int], begun: Merged | None) -> Merged:
    """The version after the one that stands; one that was begun keeps its day.

    Args:
        denials: of the version that stands.
        lost: rows that each file loses, by its number.
        begun: the same version, where an earlier start recorded it.

    Raises:
        FleetError: no row would be left.
    """
    merged, digest = denials.merged, denials.deny_list.digest
    rows, counts = sum(lost.values()), merged.counts
    if rows == counts.rows_out:
        raise FleetError(f"{denials.store.uri}: no row would be left; delete the data set instead")
    left = (_left(merged, file, lost.get(number, 0), digest) for number, file in enumerate(merged.files))
    counted = {"rows_out": counts.rows_out - rows, "withdrawn": counts.withdrawn + rows}
    return merged.model_copy(
        update={
            "version": merged.version + 1,
            "files": tuple(file for file in left if file.rows),
            "retired": tuple(merged.files[number].key for number in lost),
            "counts": counts.model_copy(update=counted),
            "withdrawals": (*merged.withdrawals, Withdrawal(on=_day(merged, begun), rows=rows)),
        }
    )


def _left(merged: Merged, file: DataFile, lost: int, digest: str) -> DataFile:
    if not lost:
        return file
    key, rows = rewritten_key(file.key, merged.version + 1), file.rows - lost
    return DataFile(key=key, rows=rows, origin=file_origin(file.origin, digest, key, rows))


def _day(merged: Merged, begun: Merged | None) -> date:
    if begun is not None and len(begun.withdrawals) == len(merged.withdrawals) + 1:
        return begun.withdrawals[-1].on
    return datetime.now(UTC).date()

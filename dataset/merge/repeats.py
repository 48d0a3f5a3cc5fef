"""Rows that occur more than once: which of them speaks for all.

Two rows are the same row when URL and original caption are (`keys`); `part` and `row` say nothing
here, because in a retry they name its own part files. Of several runs the later
one's outcome of a row wins if it settles the matter: a caption, or an opt-out, which an earlier
caption does not survive. A later failure of any other kind settles nothing, and the earlier
outcome stays. Within the run that wins, the first good row by part and row is kept.

    fate         of a row
    kept         good, and the one that goes out
    duplicate    good, in the winning run, but not its first
    superseded   of another run than the winning one
    else         its own outcome: a failure or a filter
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from dataset.counts import DUPLICATE, FILTERS, SUPERSEDED
from dataset.merge.keys import KEY
from dataset.merge.outcomes import OK, OPT_OUT, OUTCOMES

ROW = pa.schema(
    [
        ("high", pa.uint64()),
        ("low", pa.uint64()),
        ("place", pa.int64()),  # where the row lies, ascending in the order of the output
        ("run", pa.int16()),
        ("outcome", pa.int8()),
    ]
)
GOOD = (OK, *map(OUTCOMES.index, FILTERS))
SETTLED = (*GOOD, OPT_OUT)


def repeated(rows: pa.Table) -> pa.Array:
    """[rows] bool: a mask of the rows whose key occurs more than once, and perhaps a few others."""
    counts = pc.value_counts(rows["high"])
    often = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    return pc.is_in(rows["high"], value_set=often)


def fates(rows: pa.Table) -> pa.Table:
    """What becomes of repeated rows.

    Args:
        rows: of schema `ROW`, every row of each key in them.

    Returns:
        `place`, `outcome`, and `fate` (string): DUPLICATE, SUPERSEDED or null for a row that keeps its own.
    """
    judged = rows.join(_winners(rows), list(KEY))
    same_run = pc.equal(judged["run"], judged["winning_run"])
    good = outcome_in(judged, GOOD)
    later = pc.not_equal(judged["place"], judged["winning_place"])
    duplicate = pc.if_else(pc.and_(good, later), DUPLICATE, pa.scalar(None, pa.string()))
    fate = pc.if_else(same_run, duplicate, SUPERSEDED)
    return judged.select(["place", "outcome"]).append_column("fate", fate)


def _winners(rows: pa.Table) -> pa.Table:
    """Of each key, `winning_run` and `winning_place`."""
    ranked = rows.append_column("settled", outcome_in(rows, SETTLED))
    ranked = ranked.append_column("good", outcome_in(rows, GOOD))
    ranked = ranked.sort_by(
        [("settled", "descending"), ("run", "descending"), ("good", "descending"), ("place", "ascending")]
    )
    first = ranked.group_by(list(KEY), use_threads=False).aggregate([("run", "first"), ("place", "first")])
    return first.rename_columns({"run_first": "winning_run", "place_first": "winning_place"})


def outcome_in(rows: pa.Table, outcomes: Sequence[int]) -> pa.ChunkedArray:
    """[rows] bool: whether a row's outcome is one of these."""
    return pc.is_in(rows["outcome"], value_set=pa.array(outcomes, pa.int8()))

"""Which of the rows with one key speaks for all of them.

Two rows are the same row when URL and original caption are (`keys`); `part` and `row` say nothing
here, because in a retry they name its own part files. Of several runs the later one's outcome of a
row wins if it settles the matter: a caption, or an opt-out. A later failure of any other kind
settles nothing, and the earlier outcome stays. Within the run that wins, the first row that passes
the filters is kept.

    fate         of a row
    kept         good, and the one that goes out
    duplicate    good, in the winning run, but not its first
    superseded   of another run than the winning one
    else         its own outcome: a failure or a filter
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from dataset.figures.counts import DENIED, DUPLICATE, OPTED_OUT, ROW_FILTERS, SUPERSEDED
from dataset.merge.keys import KEY
from dataset.merge.outcomes import OK, OPT_OUTS, OUTCOMES

FATE = pa.field("fate", pa.string())
CAPTIONED = (OK, *(OUTCOMES.index(name) for name in (*ROW_FILTERS, DENIED, OPTED_OUT)))
SETTLED = (*CAPTIONED, *OPT_OUTS)


def append_fates(rows: pa.Table) -> pa.Table:
    """`rows` in another order, with a column `fate`: DUPLICATE, SUPERSEDED, or null for its own outcome.

    Args:
        rows: of schema `scan.ROW`, every row of each key in them.
    """
    more = _is_repeated(rows)
    once = rows.filter(pc.invert(more))
    once = once.append_column(FATE, pa.nulls(once.num_rows, pa.string()))
    return pa.concat_tables([once, _fates(rows.filter(more)).select(once.column_names)])


def is_kept(judged: pa.Table) -> pa.ChunkedArray:
    """[rows] bool: whether the row goes out."""
    return pc.and_(pc.equal(judged["outcome"], OK), pc.is_null(judged["fate"]))


def is_outcome(rows: pa.Table, outcomes: Sequence[int]) -> pa.ChunkedArray:
    """[rows] bool: whether a row's outcome is one of these."""
    return pc.is_in(rows["outcome"], value_set=pa.array(outcomes, pa.int8()))


def _is_repeated(rows: pa.Table) -> pa.Array:
    """[rows] bool: rows whose key occurs more than once, and perhaps a few others."""
    counts = pc.value_counts(rows["high"])
    often = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    return pc.is_in(rows["high"], value_set=often)


def _fates(rows: pa.Table) -> pa.Table:
    judged = rows.join(_winners(rows), list(KEY))
    same_run = pc.equal(judged["run"], judged["winning_run"])
    good = pc.equal(judged["outcome"], OK)
    later = pc.not_equal(judged["place"], judged["winning_place"])
    duplicate = pc.if_else(pc.and_(good, later), DUPLICATE, pa.scalar(None, pa.string()))
    return judged.append_column(FATE, pc.if_else(same_run, duplicate, SUPERSEDED))


def _winners(rows: pa.Table) -> pa.Table:
    """Of each key, `winning_run` and `winning_place`."""
    ranked = rows.append_column("settled", is_outcome(rows, SETTLED))
    ranked = ranked.append_column("good", pc.equal(rows["outcome"], OK))
    ranked = ranked.sort_by(
        [("settled", "descending"), ("run", "descending"), ("good", "descending"), ("place", "ascending")]
    )
    first = ranked.group_by(list(KEY), use_threads=False).aggregate([("run", "first"), ("place", "first")])
    return first.rename_columns({"run_first": "winning_run", "place_first": "winning_place"})

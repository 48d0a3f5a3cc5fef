"""Refusals that concern more than the row where they were met.

An opt-out takes out every row of its address, in all runs, whenever it was met; so does a hit of a deny
list or of a run's list. A hit of a run's list of images takes out every row of that image as well.
"""

import pyarrow as pa
import pyarrow.compute as pc

from dataset.figures.counts import DENIED, LISTED, OPTED_OUT
from dataset.merge.outcomes import OPT_OUTS, OUTCOMES
from dataset.merge.repeats import CAPTIONED, is_outcome

LISTS = tuple(map(OUTCOMES.index, (DENIED, LISTED)))
NO_IMAGE = pa.scalar(0, pa.uint64())


def apply_refusals(rows: pa.Table, images: pa.Array) -> pa.Table:
    """`rows` with the outcomes that follow.

    Args:
        rows: of schema `scan.ROW`, every row of each address in them.
        images: hashes of the images that a run's list named anywhere (`listed_images`).
    """
    rows = _refuse(rows, pc.is_in(rows["image"], value_set=images), DENIED)
    rows = _refuse(rows, _shares_url(rows, LISTS), DENIED)
    return _refuse(rows, _shares_url(rows, OPT_OUTS), OPTED_OUT)


def listed_images(rows: pa.Table) -> pa.Array:
    """Hashes of the images that a run's list names; where it named the address, there is none."""
    images = pc.unique(rows["image"].filter(is_outcome(rows, (OUTCOMES.index(LISTED),))))
    return images.filter(pc.not_equal(images, NO_IMAGE))


def _shares_url(rows: pa.Table, outcomes: tuple[int, ...]) -> pa.ChunkedArray:
    return pc.is_in(rows["url"], value_set=pc.unique(rows["url"].filter(is_outcome(rows, outcomes))))


def _refuse(rows: pa.Table, wanted: pa.ChunkedArray, name: str) -> pa.Table:
    """Give captioned rows the outcome `name`."""
    wanted = pc.and_(wanted, is_outcome(rows, CAPTIONED))
    outcome = pc.if_else(wanted, pa.scalar(OUTCOMES.index(name), pa.int8()), rows["outcome"])
    return rows.set_column(rows.column_names.index("outcome"), "outcome", outcome)

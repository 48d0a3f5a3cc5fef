"""Options of `enqueue` and `local`."""

from dataclasses import dataclass

from producer.batch_size import USUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class EnqueueOptions:
    """How parts are planned.

    Args:
        batch_rows: rows of a batch; None is that of the run, or the usual of a new one.
        usual_batch_rows: of a new run.
        as_links: download the links of files that also hold images.
        limit_rows: plan only so many rows, counted over all parts in order.
        skip_bad_lines: leave out the lines of a list that cannot be read, and count them.
        stage: first copy parts that are costly to read into the run.
    """

    batch_rows: int | None = None
    usual_batch_rows: int = USUAL
    as_links: bool = False
    limit_rows: int | None = None
    skip_bad_lines: bool = False
    stage: bool = False

"""The outcome of a row: what the worker says, or the filter that takes an otherwise good row out."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from common.run.schema import Status
from dataset.counts import DENIED, FILTERS, LOW_SIMILARITY
from dataset.merge.deny_list import DenyList
from dataset.tally import best_similarity

OUTCOMES = (*(str(status) for status in Status), *FILTERS)
"""A row's outcome travels as an index into these."""
OK = OUTCOMES.index(Status.OK)
OPT_OUT = OUTCOMES.index(Status.OPT_OUT)


@dataclass(frozen=True)
class Filters:
    """Which good rows stay out."""

    min_similarity: float | None = None
    """Least ViT-L/14 cosine of a row's best caption, `all_similarities[0]`."""
    deny_list: DenyList | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that `outcomes` reads."""
        similarity = () if self.min_similarity is None else ("all_similarities",)
        return ("status", *similarity, *(("URL", "sha256") if self.deny_list else ()))

    def outcomes(self, rows: pa.RecordBatch) -> pa.Array:
        """[rows] int8, indices into `OUTCOMES`."""
        outcomes = pc.index_in(rows["status"], pa.array(OUTCOMES[: len(Status)])).cast(pa.int8())
        good = pc.equal(outcomes, OK)
        for name, out in self._out(rows):
            outcomes = pc.if_else(pc.and_(good, out), pa.scalar(OUTCOMES.index(name), pa.int8()), outcomes)
        return outcomes

    def _out(self, rows: pa.RecordBatch) -> list[tuple[str, pa.Array]]:
        out = []
        if self.min_similarity is not None:
            good = pc.greater_equal(best_similarity(rows["all_similarities"]), self.min_similarity)
            out.append((LOW_SIMILARITY, pc.invert(pc.fill_null(good, fill_value=False))))
        if self.deny_list is not None:
            out.append((DENIED, self.deny_list.denies(rows["URL"], rows["sha256"])))
        return out

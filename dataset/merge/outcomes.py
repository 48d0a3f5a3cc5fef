"""The outcome of a row: the worker's status, or the filter that removes a good row."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from common.deny.deny_list import DenyList
from common.run.status import Status
from common.signs import sign_of
from dataset.deny.denied import denied_rows
from dataset.figures.counts import DENIED, LISTED, OPTED_OUT, REFUSED, ROW_FILTERS
from dataset.figures.tally import best_similarity

OUTCOMES = (*(str(status) for status in Status), *ROW_FILTERS, DENIED, OPTED_OUT, LISTED, *REFUSED)
"""A row's outcome travels as an index into these."""
OK = OUTCOMES.index(Status.OK)
OPT_OUTS = tuple(map(OUTCOMES.index, REFUSED))
LIST_RULES = r"^(host |url |sha256|block list)"
"""How the error of a filtered row begins that a list names, and not a threshold."""


@dataclass(frozen=True)
class Filters:
    """Which good rows stay out; a row without a value stays, but for the similarity, which all have."""

    min_similarity: float | None = None
    """Least ViT-L/14 cosine of a row's best caption, `all_similarities[0]`."""
    deny_list: DenyList | None = None
    max_punsafe: float | None = None
    max_pwatermark: float | None = None
    min_width: int | None = None
    min_height: int | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that `outcomes` reads."""
        return ("status", "error", "sha256", *(column for column, _, _, _ in self._bounds()))

    def outcomes(self, rows: pa.RecordBatch, urls: pa.Array) -> pa.Array:
        """[rows] int8, indices into `OUTCOMES`; `urls` are the canonical forms."""
        outcomes = pc.index_in(rows["status"], pa.array(OUTCOMES[: len(Status)])).cast(pa.int8())
        good = pc.equal(outcomes, OK)
        for name, out in self._filter_rows(rows):
            outcomes = _mark(outcomes, pc.and_(good, out), name)
        if self.deny_list is not None:
            outcomes = _mark(
                outcomes, pc.and_(good, denied_rows(self.deny_list, urls, rows["sha256"])), DENIED
            )
        return _tell_signs(_mark(outcomes, _is_listed(rows), LISTED), rows["error"])

    def _filter_rows(self, rows: pa.RecordBatch) -> Iterator[tuple[str, pa.Array]]:
        if self.min_similarity is not None:
            enough = pc.greater_equal(best_similarity(rows["all_similarities"]), self.min_similarity)
            yield "low_similarity", pc.invert(pc.fill_null(enough, fill_value=False))
        for column, name, is_outside, bound in self._bounds():
            if column != "all_similarities":
                yield name, pc.fill_null(is_outside(rows[column], bound), fill_value=False)

    def _bounds(self) -> Iterator[tuple[str, str, "pc.Function", float]]:
        bounds = (
            ("all_similarities", "low_similarity", pc.less, self.min_similarity),
            ("punsafe", "high_punsafe", pc.greater, self.max_punsafe),
            ("pwatermark", "high_pwatermark", pc.greater, self.max_pwatermark),
            ("WIDTH", "small_width", pc.less, self.min_width),
            ("HEIGHT", "small_height", pc.less, self.min_height),
        )
        return ((*one, bound) for *one, bound in bounds if bound is not None)


def _mark(outcomes: pa.Array, wanted: pa.Array, name: str) -> pa.Array:
    return pc.if_else(wanted, pa.scalar(OUTCOMES.index(name), pa.int8()), outcomes)


def _tell_signs(outcomes: pa.Array, errors: pa.Array) -> pa.Array:
    """The outcome of refused rows says by which sign."""
    refused = pc.equal(outcomes, OUTCOMES.index(Status.OPT_OUT))
    signs = [sign_of(error or "") for error in errors.filter(refused).to_pylist()]
    told = [OUTCOMES.index(f"{Status.OPT_OUT} {sign}") for sign in signs]
    return pc.replace_with_mask(outcomes, refused, pa.array(told, pa.int8()))


def _is_listed(rows: pa.RecordBatch) -> pa.Array:
    filtered = pc.equal(rows["status"], str(Status.FILTERED))
    listed = pc.fill_null(pc.match_substring_regex(rows["error"], LIST_RULES), fill_value=False)
    return pc.and_(filtered, listed)

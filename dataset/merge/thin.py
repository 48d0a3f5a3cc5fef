"""Fewer rows than there are: one for each address or image, some for each host, a sample of all."""

import hashlib
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from dataset.figures.counts import DUPLICATE, MANY_OF_HOST, NOT_SAMPLED
from dataset.merge.keys import text_hashes
from dataset.merge.spill import Spill
from dataset.merge.thinning import Dedupe, Thinning

Fate = tuple[str, pa.ChunkedArray]
"""The fate of the rows at these places."""


@dataclass(frozen=True)
class Limit:
    """The first `most` rows of each `group`, by `order`; the others get `fate`."""

    group: str
    most: int
    order: str
    fate: str


def thin(kept: Spill, thinning: Thinning, folder: Path) -> Generator[Fate, None, None]:
    """The places of rows that stay out, each with its fate.

    Args:
        kept: of the columns of `thinning`, closed.
        thinning: one step after another, in the order of its fields.
        folder: for what is spilled.
    """
    if thinning.dedupe is not Dedupe.ROW:
        group = "url" if thinning.dedupe is Dedupe.URL else "image"
        kept = yield from _limit(kept, Limit(group, 1, "place", DUPLICATE), folder / group)
    if thinning.max_rows_per_host is not None:
        kept = _with_ranks(kept, thinning.seed, folder / "ranks")
        most = thinning.max_rows_per_host
        kept = yield from _limit(kept, Limit("host", most, "rank", MANY_OF_HOST), folder / "host")
    if thinning.sample is not None:
        ranked = _with_ranks(kept, thinning.seed, folder / "sampled")
        last = _nth_rank(ranked, thinning.sample)
        for rows in map(ranked.read, range(ranked.buckets)):
            yield NOT_SAMPLED, rows["place"].filter(pc.greater(rows["rank"], last))


def _limit(kept: Spill, limit: Limit, folder: Path) -> Generator[Fate, None, Spill]:
    """Yield the rows beyond the limit; returns those that stay."""
    grouped = Spill(folder / "groups", kept.buckets, kept.schema)
    for rows in map(kept.read, range(kept.buckets)):
        grouped.add_hashed(rows, limit.group)
    grouped.close()
    left = Spill(folder / "left", kept.buckets, kept.schema)
    for rows in map(grouped.read, range(grouped.buckets)):
        stays = _is_among_first(rows, limit)
        yield limit.fate, rows["place"].filter(pc.invert(stays))
        left.add_hashed(rows.filter(stays), "url")
    left.close()
    return left


def _is_among_first(rows: pa.Table, limit: Limit) -> pa.Array:
    """[rows] bool: whether a row is among the first of its group; group 0 has no limit."""
    by_order = pc.sort_indices(rows, [(limit.group, "ascending"), (limit.order, "ascending")])
    groups = rows[limit.group].take(by_order).combine_chunks()
    starts = pc.index_in(groups, value_set=pc.unique(groups))  # numbers of the groups, ascending
    counts = pc.value_counts(groups).field("counts")
    first = pc.subtract(pc.cumulative_sum(counts), counts).take(starts)
    number = pc.subtract(pa.arange(0, len(groups)), first)
    stays = pc.or_(pc.less(number, limit.most), pc.equal(groups, pa.scalar(0, pa.uint64())))
    return stays.take(pc.sort_indices(by_order))


def _with_ranks(kept: Spill, seed: int, folder: Path) -> Spill:
    """The same rows with a column `rank`: a number that chance gives to each key."""
    schema = kept.schema if "rank" in kept.schema.names else kept.schema.append(pa.field("rank", pa.uint64()))
    ranked = Spill(folder, kept.buckets, schema)
    for rows in map(kept.read, range(kept.buckets)):
        bare = rows.drop_columns("rank") if "rank" in rows.column_names else rows
        ranked.add_hashed(bare.append_column("rank", _ranks(bare, seed)), "url")
    ranked.close()
    return ranked


def _ranks(rows: pa.Table, seed: int) -> pa.Array:
    keys = pc.binary_join_element_wise(
        hashlib.sha256(str(seed).encode()).hexdigest(),
        rows["high"].cast(pa.string()),
        rows["low"].cast(pa.string()),
        " ",
    )
    return text_hashes(keys.combine_chunks())


def _nth_rank(ranked: Spill, wanted: int) -> pa.Scalar:
    """The rank of the last row of the sample; memory is that of the sample's ranks."""
    lowest = pa.array([], pa.uint64())
    for rows in map(ranked.read, range(ranked.buckets)):
        lowest = pa.concat_arrays([lowest, *rows["rank"].chunks])
        lowest = lowest.take(pc.sort_indices(lowest)).slice(0, wanted)
    return lowest[-1] if len(lowest) else pa.scalar(0, pa.uint64())

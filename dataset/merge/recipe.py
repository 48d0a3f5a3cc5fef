"""The recipe of a merge, from its options and from the shards that there are."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import pyarrow as pa

from common.run.batch import Batch
from common.version import __version__
from dataset.files.data_writer import data_schema
from dataset.files.merged import MergedPart
from dataset.files.recipe import Recipe
from dataset.merge.key_rows import Wanted
from dataset.merge.outcomes import Filters
from dataset.merge.thinning import Thinning
from dataset.rows.run_source import Source

SizedBatch = tuple[Batch, int]


@dataclass(frozen=True)
class Options:
    """How to merge."""

    part_size: int = 500_000_000
    """Bytes of a file, near enough."""
    keep_columns: bool = False
    compression: str = "zstd"
    allow_incomplete: bool = False
    filters: Filters = field(default_factory=Filters)
    thinning: Thinning = field(default_factory=Thinning)

    @property
    def wanted(self) -> Wanted:
        """The columns and filters of the first pass."""
        hosts = self.thinning.max_rows_per_host is not None
        return Wanted(self.filters, data_schema(keep_columns=self.keep_columns), hosts)


def make_recipe(sources: Sequence[Source], options: Options) -> Recipe:
    """The recipe of the merge of `sources`."""
    batches = [sized for source in sources for sized in zip(source.batches, source.sizes, strict=True)]
    filters, thinning = options.filters, options.thinning
    return Recipe(
        runs=tuple(source.store.uri for source in sources),
        shards=digest_batches(batches),
        missing_batches=sum(source.missing for source in sources),
        min_similarity=filters.min_similarity,
        deny_list=filters.deny_list.digest if filters.deny_list else None,
        keep_columns=options.keep_columns,
        part_size=options.part_size,
        compression=options.compression,
        pyarrow=pa.__version__,
        version=__version__,
        max_punsafe=filters.max_punsafe,
        max_pwatermark=filters.max_pwatermark,
        min_width=filters.min_width,
        min_height=filters.min_height,
        dedupe=thinning.dedupe.value,
        max_rows_per_host=thinning.max_rows_per_host,
        sample=thinning.sample,
        seed=thinning.seed if thinning else 0,
    )


def merged_parts(source: Source) -> dict[str, MergedPart]:
    """Which shards of each part there are."""
    batches = zip(source.batches, source.sizes, strict=True)
    groups = groupby(batches, key=lambda sized: sized[0].part)
    return {part: _merged_part(list(group)) for part, group in groups}


def digest_batches(batches: Sequence[SizedBatch]) -> str:
    """Of the names, rows and sizes of shards."""
    digested = hashlib.sha256()
    for batch, size in batches:
        digested.update(f"{batch.shard_key} {batch.rows} {size}\n".encode())
    return digested.hexdigest()


def _merged_part(batches: Sequence[SizedBatch]) -> MergedPart:
    return MergedPart(rows=tuple(_ranges(batches)), digest=digest_batches(batches))


def _ranges(batches: Sequence[SizedBatch]) -> Iterator[tuple[int, int]]:
    """Row ranges that batches in order cover, each as long as can be."""
    first, end = batches[0][0].first_row, batches[0][0].first_row
    for batch, _ in batches:
        if batch.first_row != end:
            yield first, end
            first = batch.first_row
        end = batch.first_row + batch.rows
    yield first, end

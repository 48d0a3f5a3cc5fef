"""`merge.json` from scan and plan; the caller adds its files."""

from collections.abc import Sequence

from common.deny.deny_list import DenyList
from dataset.figures.counts import Counts
from dataset.files.merged import Merged
from dataset.files.recipe import Recipe
from dataset.merge.numbered_shard import NumberedShard
from dataset.merge.recipe import merged_parts
from dataset.merge.scan import Scan


def make_record(
    shards: Sequence[NumberedShard],
    scanned: Scan,
    counts: Counts,
    recipe: Recipe,
    deny_list: DenyList | None,
) -> Merged:
    """The record without files."""
    sources = {shard.source.store.uri: shard.source for shard in shards}
    run = shards[0].source.run
    days = [day for source in sources.values() for day in source.written]
    return Merged(
        recipe=recipe,
        models=run.models,
        dtypes={role: tuple(sorted(dtypes)) for role, dtypes in scanned.dtypes.items()},
        worker_versions=tuple(sorted(scanned.versions)),
        sampling=run.sampling,
        signs=run.signs,
        fetched=(min(days), max(days)) if days else None,
        counts=counts,
        files=(),
        unmatched_entries=len(deny_list.unmatched) if deny_list else 0,
        sources={uri: merged_parts(source) for uri, source in sources.items()},
    )

"""Batches that have their shard: a full listing first, then only the prefixes that may have changed."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from common.run.layout import FAILED, SHARDS
from common.run.numbering import Numbering
from common.store import Store
from producer.part_groups import PAGE, Group, group_parts

LISTERS = 16
"""Pages that are in memory at once, at a megabyte or two each."""
PAGES = 16
"""Pages that a later look lists besides those with a change: two seconds at 80 ms a page."""


class ShardWatch:
    """The set of batches with a shard, looked at again and again.

    Args:
        store: of the run.
        numbering: of its batches.
        groups: of its parts.
    """

    _folder, _suffix = SHARDS, ".parquet"

    def __init__(self, store: Store, numbering: Numbering, groups: Group) -> None:
        self._store, self._numbering = store, numbering
        self.done = 0
        self.regroup(groups)

    def regroup(self, groups: Group) -> None:
        """The numbering has grown: everything is listed anew at the next look."""
        self._groups, self._looks = groups, 0
        self._looked: Counter[str] = Counter()
        """Number of the last look that listed each group, by its name."""

    def look(self, changed: int = 0) -> int:
        """List the groups with a change, then those that were not looked at for longest.

        Args:
            changed: batches that may have got their shard.

        Returns:
            The batches that have one, as far as was looked.
        """
        self._looks += 1
        with ThreadPoolExecutor(LISTERS) as pool:
            if self._looks == 1:
                self.done = self._list_all(pool)
            else:
                self._look_again(list(self._choose(changed)), pool)
        return self.done

    def _list_all(self, pool: ThreadPoolExecutor) -> int:
        done = 0
        for found in pool.map(self._list, self._groups.leaves):
            done |= found
        return done

    def _look_again(self, groups: list[Group], pool: ThreadPoolExecutor) -> None:
        for group, found in zip(groups, pool.map(self._list, groups), strict=True):
            self.done = self.done & ~group.bits | found
            self._looked[group.name] = self._looks

    def _choose(self, changed: int) -> Iterator[Group]:
        left = PAGES
        for group in sorted(self._groups.leaves, key=lambda group: self._looked[group.name]):
            if group.bits & changed:
                yield group
            elif group.pages <= left:
                left -= group.pages
                yield group

    def _list(self, group: Group) -> int:
        return self._numbering.bits(self._batches(self._keys(group)))

    def _keys(self, group: Group) -> Iterator[str]:
        return (entry.key for entry in self._store.list(self._folder, group.name))

    def _batches(self, keys: Iterator[str]) -> Iterator[str]:
        return (
            key.removeprefix(f"{self._folder}/").removesuffix(self._suffix)
            for key in keys
            if key.endswith(self._suffix)
        )


class FailureWatch(ShardWatch):
    """The set of batches with a failure record. Few have one, so that large groups are not split at first."""

    _folder, _suffix = FAILED, ".json"

    def _list_all(self, pool: ThreadPoolExecutor) -> int:
        done, groups = 0, [self._groups]
        while groups:
            full = list[Group]()
            for group, found in zip(groups, pool.map(self._list_page, groups), strict=True):
                full += group.inner if found is None else ()
                done |= found or 0
            groups = full
        return done

    def _list_page(self, group: Group) -> int | None:
        """The batches of a group, or None where they fill a page and the group can be split."""
        if not group.inner:
            return self._list(group)
        keys = list(islice(self._keys(group), PAGE))
        return None if len(keys) == PAGE else self._numbering.bits(self._batches(iter(keys)))


def done_batches(store: Store, numbering: Numbering) -> int:
    """The set of batches with a shard, looked at once."""
    return ShardWatch(store, numbering, group_parts(numbering)).look()

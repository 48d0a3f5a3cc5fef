"""Batches that have their shard: a full listing first, then only the prefixes that may have changed."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from common.run.layout import SHARDS
from common.run.numbering import Numbering
from common.store import Store

LISTERS = 16
"""Pages that are in memory at once, at a megabyte or two each."""
GROUP = 4000
"""Most shards of a group, where its parts' names allow: four pages of a listing."""
PAGE = 1000
PAGES = 16
"""Pages that a later look lists besides those with a change: two seconds at 80 ms a page."""


@dataclass(slots=True)
class Group:
    """Parts whose ids begin alike, listed together.

    Args:
        name: what the paths of their shards begin with, below the folder of shards.
        bits: all of their batches.
        batches: how many.
        looked: number of the last look that listed them.
    """

    name: str
    bits: int
    batches: int
    looked: int = 0

    @property
    def pages(self) -> int:
        return self.batches // PAGE + 1


class ShardWatch:
    """The set of batches with a shard, or with another object of their own, looked at again and again.

    Args:
        store: of the run.
        numbering: of its batches.
        folder: of the objects.
        suffix: of their names.
    """

    def __init__(
        self, store: Store, numbering: Numbering, *, folder: str = SHARDS, suffix: str = ".parquet"
    ) -> None:
        self._store, self._numbering = store, numbering
        self._folder, self._suffix = folder, suffix
        self._groups = list(group_parts(numbering))
        self._looks = 0
        self.done = 0

    def look(self, changed: int = 0) -> int:
        """List the groups with a change, then those that were not looked at for longest.

        Args:
            changed: batches that may have got their shard.

        Returns:
            The batches that have one, as far as was looked.
        """
        chosen = self._groups if not self._looks else list(self._choose(changed))
        self._looks += 1
        with ThreadPoolExecutor(LISTERS) as pool:
            for group, found in zip(chosen, pool.map(self._list, chosen), strict=True):
                self.done = self.done & ~group.bits | found
                group.looked = self._looks
        return self.done

    def add_parts(self) -> None:
        """The numbering has grown: everything is listed anew at the next look."""
        self._groups, self._looks = list(group_parts(self._numbering)), 0

    def _choose(self, changed: int) -> Iterator[Group]:
        left = PAGES
        for group in sorted(self._groups, key=lambda group: group.looked):
            pages = group.pages
            if group.bits & changed:
                yield group
            elif pages <= left:
                left -= pages
                yield group

    def _list(self, group: Group) -> int:
        keys = (entry.key for entry in self._store.list(self._folder, group.name))
        return self._numbering.bits(
            key.removeprefix(f"{self._folder}/").removesuffix(self._suffix)
            for key in keys
            if key.endswith(self._suffix)
        )


def group_parts(numbering: Numbering) -> Iterator[Group]:
    """All parts by the prefix of their ids: every store lists by prefix, in its own order."""
    yield from _split(numbering, sorted(numbering.parts), "")


def _split(numbering: Numbering, parts: Sequence[tuple[str, int]], name: str) -> Iterator[Group]:
    batches = sum(count for _, count in parts)
    if batches <= GROUP or len(parts) == 1:
        whole = f"{parts[0][0]}/" if len(parts) == 1 else name
        if parts:
            yield Group(whole, _union(numbering, parts), batches)
        return
    following: dict[str, list[tuple[str, int]]] = {}
    for part, count in parts:
        following.setdefault(f"{part}/"[len(name)], []).append((part, count))
    for character, those in following.items():
        yield from _split(numbering, those, name + character)


def _union(numbering: Numbering, parts: Iterable[tuple[str, int]]) -> int:
    bits = 0
    for part, _ in parts:
        bits |= numbering.part_bits(part)
    return bits

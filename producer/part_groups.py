"""Parts whose ids begin alike: every store lists by prefix, in its own order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from os.path import commonprefix

from common.run.numbering import Numbering

GROUP = 4000
"""Most batches of a group that is not split, where its parts' names allow: four pages of a listing."""
PAGE = 1000


@dataclass(frozen=True, slots=True)
class Group:
    """Some parts of a run, as a tree.

    Args:
        name: what the paths of their objects begin with, below the folder of these objects.
        bits: all of their batches.
        batches: how many.
        inner: the same parts in smaller groups; none where they are listed together.
    """

    name: str
    bits: int
    batches: int
    inner: tuple["Group", ...] = ()

    @property
    def pages(self) -> int:
        return self.batches // PAGE + 1

    @property
    def leaves(self) -> Iterator["Group"]:
        """The groups that are not split; none of a run without parts."""
        for group in self.inner:
            yield from group.leaves
        if self.batches and not self.inner:
            yield self


def group_parts(numbering: Numbering) -> Group:
    """All parts of a run by the prefixes of their ids."""
    parts = sorted((f"{part}/", count) for part, count in numbering.parts)
    return _group(numbering, parts) if parts else Group("", 0, 0)


def _group(numbering: Numbering, parts: Sequence[tuple[str, int]]) -> Group:
    """`parts`: the folder of each, and how many batches it has, by folder."""
    name = commonprefix([parts[0][0], parts[-1][0]])  # noqa: RUF071 - by character, as stores list
    bits = numbering.part_bits(folder.removesuffix("/") for folder, _ in parts)
    batches = sum(count for _, count in parts)
    if batches <= GROUP or len(parts) == 1:
        return Group(name, bits, batches)
    split = groupby(parts, lambda part: part[0][len(name)])
    return Group(name, bits, batches, tuple(_group(numbering, list(those)) for _, those in split))

"""Images that a person named: a folder of them, a glob over them, or one by one."""

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class ImageSet:
    """Images below one folder.

    Args:
        named: the folder or glob as an absolute address: it tells one set of a run from another.
        folder: below which they lie.
        names: of the images below the folder, in alphabetical order.
        is_whole: all that lies in the folder, so that what metadata names besides is lost.
    """

    named: str
    folder: str
    names: tuple[str, ...]
    is_whole: bool

    @classmethod
    def of(cls, named: str, folder: str, addresses: Iterable[str], *, is_whole: bool) -> "ImageSet":
        """From whole addresses."""
        folder = folder.rstrip("/")
        names = {address[len(folder) + 1 :] for address in addresses}
        return cls(named, folder, tuple(sorted(names)), is_whole)


def join(parts: Iterable[str | ImageSet]) -> list[str | ImageSet]:
    """The same, images that were named one by one as one set a folder, at the place of the first."""
    joined: dict[str, str | ImageSet] = {}
    for part in parts:
        key = part if isinstance(part, str) else part.named
        known = joined.get(key)
        if isinstance(part, ImageSet) and isinstance(known, ImageSet):
            names = tuple(sorted({*known.names, *part.names}))
            part = replace(part, names=names, is_whole=part.is_whole or known.is_whole)  # noqa: PLW2901
        joined[key] = part
    return list(joined.values())

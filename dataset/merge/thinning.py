"""The options of thinning: the key of duplicates, limits, the seed."""

from dataclasses import dataclass
from enum import StrEnum


class Dedupe(StrEnum):
    """The key of duplicates."""

    ROW = "url+text"
    URL = "url"
    IMAGE = "sha256"


@dataclass(frozen=True)
class Thinning:
    """How rows that would go out are thinned; each row's chance depends on its key and the seed alone."""

    dedupe: Dedupe = Dedupe.ROW
    max_rows_per_host: int | None = None
    sample: int | None = None
    seed: int = 0

    @property
    def columns(self) -> list[str]:
        """Of the rows that are thinned."""
        host = ["host"] if self.max_rows_per_host is not None else []
        return ["url", "image", *host, "high", "low", "place"]

    def __bool__(self) -> bool:
        return self != Thinning(seed=self.seed)

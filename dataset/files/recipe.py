"""The recipe of a data set, and the digests that tie a file to it."""

import hashlib
import json

from common.run.record import Record


class Recipe(Record):
    """The inputs that decide every byte of a merge: the same recipe gives the same files."""

    runs: tuple[str, ...]
    shards: str
    """A digest of the names and sizes of all shards."""
    missing_batches: int
    min_similarity: float | None
    deny_list: str | None
    """A digest of its entries."""
    keep_columns: bool
    part_size: int
    compression: str
    pyarrow: str
    version: str
    max_punsafe: float | None = None
    max_pwatermark: float | None = None
    min_width: int | None = None
    min_height: int | None = None
    dedupe: str = "url+text"
    max_rows_per_host: int | None = None
    sample: int | None = None
    seed: int = 0

    @property
    def is_thinned(self) -> bool:
        """Whether a row's place in the data set depends on other rows than those of its own address."""
        return self.dedupe != "url+text" or self.max_rows_per_host is not None or self.sample is not None

    def difference(self, other: "Recipe") -> str | None:
        """The first thing in which `other` would give other files, as words."""
        for name, value in self.model_dump().items():
            theirs = getattr(other, name)
            if theirs != value:
                return f"{name.replace('_', ' ')} {value!r} there, {theirs!r} here"
        return None

    @property
    def digest(self) -> str:
        """SHA-256 in hexadecimal digits; in the footer of every file made by this recipe."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


def file_origin(*parts: object) -> str:
    """A digest of everything that decides a file's rows: the recipe, its key, the list of a withdrawal."""
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()

"""A merged data set: where its files lie, and `merge.json`, which says what they follow from."""

import hashlib
import json
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from common.errors import FleetError
from common.run.batch import Batch
from common.run.manifest import Models
from common.settings import SamplingSettings
from common.store import Store
from dataset.counts import Counts

MERGE_KEY = "merge.json"
NEXT_KEY = "merge.next.json"
"""The version that is being made of the one in `merge.json`; gone once it stands there."""
CARD_KEY = "README.md"
DATA = "data"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Recipe(_Record):
    """What decides every byte of a merge: the same recipe gives the same files."""

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


class MergedPart(_Record):
    """The shards of a part that were merged."""

    rows: tuple[tuple[int, int], ...]
    """Row ranges, first to end, that they cover."""
    digest: str
    """Of their names, rows and sizes."""

    def holds(self, batch: Batch) -> bool:
        return any(first <= batch.first_row < end for first, end in self.rows)


class DataFile(_Record):
    """One parquet file of a version."""

    key: str
    rows: int
    origin: str | None = None
    """What its footer says that it was made from (`file_origin`); None in data sets of 0.1."""


class Withdrawal(_Record):
    """Rows that were taken back; what they were is written nowhere."""

    on: date
    rows: int


class Merged(_Record):
    """`merge.json`: the files of the version that stands, and what they follow from."""

    format: Literal[1, 2] = 2
    version: int = 1
    """Counts the changes of the data set: withdrawals, and runs that were added."""
    recipe: Recipe
    models: Models
    dtypes: dict[str, tuple[str, ...]]
    """Number formats that each model ran in, by role."""
    worker_versions: tuple[str, ...] = ()
    """Of the workers that wrote the shards."""
    sampling: SamplingSettings
    fetched: tuple[date, date] | None = None
    """First and last day on which a shard was written, in UTC."""
    counts: Counts
    files: tuple[DataFile, ...]
    retired: tuple[str, ...] = ()
    """Files of the version before, to be deleted now that this one stands."""
    withdrawals: tuple[Withdrawal, ...] = ()
    unmatched_entries: int = 0
    """Of the deny list, those that named no row."""
    sources: dict[str, dict[str, MergedPart]] | None = None
    """What was merged, by run and part; None in data sets of 0.1."""

    @model_validator(mode="before")
    @classmethod
    def _files_of_0_1(cls, data: Any) -> Any:
        """Version 0.1 named its files by their number alone."""
        if not isinstance(data, dict) or "file_rows" not in data:
            return data
        rows = data["file_rows"]
        files = [{"key": data_key(number, len(rows)), "rows": n} for number, n in enumerate(rows)]
        return {**{name: value for name, value in data.items() if name != "file_rows"}, "files": files}

    @property
    def keys(self) -> list[str]:
        return [file.key for file in self.files]

    def holds(self, run: str, batch: Batch) -> bool:
        """Whether the shard of a batch was merged."""
        part = (self.sources or {}).get(run, {}).get(batch.part)
        return part is not None and part.holds(batch)

    def to_json(self) -> bytes:
        return (json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True) + "\n").encode()


def data_key(number: int, total: int) -> str:
    """A file's key, named as the Hub's loaders expect."""
    return f"{DATA}/train-{number:05d}-of-{total:05d}.parquet"


def file_origin(*parts: object) -> str:
    """A digest of everything that decides a file's rows: the recipe, its key, the list of a withdrawal."""
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()


def read_merged(store: Store, key: str = MERGE_KEY) -> Merged | None:
    """The merge in `store`, begun or finished, or None where there is none."""
    body = store.read(key)
    if body is None:
        return None
    try:
        return Merged.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise FleetError(f"{store.uri}/{key}: not of ours ({where}: {first['msg']})") from error


def require_written(store: Store) -> Merged:
    """The version that stands in `store`, whatever is made of it.

    Raises:
        FleetError: there is none, or files of it are not written yet.
    """
    merged = read_merged(store)
    if merged is None:
        raise FleetError(f"{store.uri}: no merged data set here (no {MERGE_KEY}); run `dataset merge` first")
    there = {entry.key for entry in store.list(DATA)}
    lacking = [key for key in merged.keys if key not in there]
    if lacking:
        raise FleetError(f"{store.uri}/{lacking[0]}: not written yet; run the same command as before again")
    return merged


def require_merged(store: Store) -> Merged:
    """The version that stands in `store`, with nothing beside it.

    Raises:
        FleetError: there is none, it is not finished, or files that are not of it lie among its own.
    """
    merged = require_written(store)
    if store.exists(NEXT_KEY):
        raise FleetError(
            f"{store.uri}/{NEXT_KEY}: a change of this data set is unfinished; run the same command again"
        )
    require_own_files(store, merged)
    return merged


def require_own_files(store: Store, *versions: Merged | None) -> set[str]:
    """The keys under `data/`, all of them named by one of these versions.

    Raises:
        FleetError: there is another one.
    """
    there = {entry.key for entry in store.list(DATA) if not entry.key.endswith("/")}
    known = {key for version in versions if version for key in (*version.keys, *version.retired)}
    stray = min(there - known, default=None)
    if stray is not None and not known:
        raise FleetError(
            f"{store.uri}/{stray}: no {MERGE_KEY} says what it is; give an --output without data"
        )
    if stray is not None:
        raise FleetError(f"{store.uri}/{stray}: not a file of this data set; move it away")
    return there

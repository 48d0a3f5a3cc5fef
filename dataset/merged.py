"""A merged data set: where its files lie, and `merge.json`, which says what they follow from."""

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from common.errors import FleetError
from common.run.manifest import Models
from common.run.part import PartError, open_part
from common.settings import S3Settings, SamplingSettings
from common.store import Store
from dataset.counts import Counts
from dataset.tally import Tally, sum_tallies

MERGE_KEY = "merge.json"
CARD_KEY = "README.md"
DATA = "data"
TALLY = b"fleet.tally"


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

    def difference(self, other: "Recipe") -> str | None:
        """The first thing in which `other` would give other files, as words."""
        for name, value in self.model_dump().items():
            theirs = getattr(other, name)
            if theirs != value:
                return f"{name.replace('_', ' ')} {value!r} there, {theirs!r} here"
        return None


class Merged(_Record):
    """`merge.json`: written before the first file, and never again."""

    format: Literal[1] = 1
    recipe: Recipe
    models: Models
    dtypes: dict[str, tuple[str, ...]]
    """Number formats that each model ran in, by role."""
    sampling: SamplingSettings
    counts: Counts
    file_rows: tuple[int, ...]

    @property
    def keys(self) -> list[str]:
        """Of the files, named as the Hub's loaders expect."""
        total = len(self.file_rows)
        return [f"{DATA}/train-{number:05d}-of-{total:05d}.parquet" for number in range(total)]

    def to_json(self) -> bytes:
        return (json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True) + "\n").encode()


def read_merged(store: Store) -> Merged | None:
    """The merge in `store`, begun or finished, or None where there is none."""
    body = store.read(MERGE_KEY)
    if body is None:
        return None
    try:
        return Merged.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise FleetError(f"{store.uri}/{MERGE_KEY}: not of ours ({where}: {first['msg']})") from error


def require_merged(store: Store) -> Merged:
    """The finished merge in `store`.

    Raises:
        FleetError: there is none, or it has not come to its end.
    """
    merged = read_merged(store)
    if merged is None:
        raise FleetError(f"{store.uri}: no merged data set here (no {MERGE_KEY}); run `dataset merge` first")
    there = {entry.key for entry in store.list(DATA)}
    lacking = [key for key in merged.keys if key not in there]
    if lacking:
        raise FleetError(f"{store.uri}/{lacking[0]}: not written yet; run the same `dataset merge` again")
    return merged


def read_tally(store: Store, keys: Sequence[str], s3: S3Settings) -> Tally:
    """The histograms of merged files, from their footers alone.

    Raises:
        FleetError: a file is not one of a merge.
    """
    return sum_tallies(_file_tally(f"{store.uri}/{key}", s3) for key in keys)


def _file_tally(address: str, s3: S3Settings) -> Tally:
    with suppress(pa.ArrowException, KeyError, ValidationError), open_part(address, s3) as (file, _):
        metadata: dict[bytes, Any] = pq.ParquetFile(file).metadata.metadata
        return Tally.model_validate_json(metadata[TALLY])
    raise PartError(f"{address}: not a file of a merge; delete it and run the same `dataset merge` again")
